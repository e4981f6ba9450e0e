"""The rate limiter to providers, for programs that are no part of a stream."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ingest.app.providers.rate_limiter import LocalRateLimiter
from ingest.cluster import shared_ray
from ingest.cluster.local_ray import LocalRay
from ingest.ports.providers import RateLimiter
from ingest.settings import Settings
from ingest.wiring.providers import quotas


@contextmanager
def open_rate_limiter(settings: Settings) -> Iterator[RateLimiter]:
    """The rate limiter of the cluster that the settings name, or in which this process is a job.

    Else that of the system that runs with the same state folder. Without a cluster it is one of
    this process alone: then nothing else may call the providers.
    """
    address = settings.ray_address or os.environ.get("RAY_ADDRESS")
    joined = shared_ray.find(settings) if address is None else None
    if (address is None and joined is None) or not settings.embedding_providers:
        yield LocalRateLimiter(quotas(settings))
        return
    cluster = LocalRay(settings.model_copy(update={"ray_address": address}), joined=joined)
    cluster.start()
    try:
        # Its module imports Ray, which reads its token from the environment when it is imported.
        from ingest.cluster.rate_limiter_actor import SharedRateLimiter

        yield SharedRateLimiter()
    finally:
        cluster.stop()
