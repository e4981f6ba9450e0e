"""A stream of a bulk lane, for as long as a backfill lasts."""

import contextlib
import os
import threading
from collections.abc import Iterator

from ingest.cluster.local_ray import LocalRay
from ingest.domain.job import Lane
from ingest.settings import Settings


@contextlib.contextmanager
def backfill_stream(
    settings: Settings, lane: Lane, *, run: str, leave_now: threading.Event
) -> Iterator[None]:
    """Work on the lane until the block ends; then finish what is held, as settings allow.

    In the cluster that the settings name, or in which this very process is a job; otherwise in a
    Ray of our own. Settings must be in the environment.

    Args:
        settings: Where everything is.
        lane: Backfill or batch.
        run: Names the stream's supervisor; two backfills have one each.
        leave_now: When it is set at the end of the block, what is held is left, and returns when
            its leases end.
    """
    here = settings.model_copy(
        update={"ray_address": settings.ray_address or os.environ.get("RAY_ADDRESS")}
    )
    own = LocalRay(here)
    own.start()  # before Ray is imported, which reads its token then
    import ray

    from ingest.cluster import supervisor

    try:
        actor = supervisor.start(lane, name=f"supervisor-{run}")
        try:
            yield
        finally:
            longest = 0 if leave_now.is_set() else settings.drain_timeout_seconds + 5
            with contextlib.suppress(ray.exceptions.RayError):
                ray.get(actor.drain.remote(longest), timeout=longest + 10)
    finally:
        own.stop()
