"""The rate limiter as one actor for the whole cluster, and what other processes see of it."""

import asyncio
import contextlib
from typing import Any

import ray

from ingest import logs, settings
from ingest.app.providers.rate_limiter import LocalRateLimiter
from ingest.cluster.local_ray import NAMESPACE
from ingest.domain.errors import IngestError, ProviderPaused
from ingest.domain.provider import KeyHealth, Permit, PermitRequest, Report
from ingest.wiring.providers import quotas

log = logs.get(__name__)
NAME = "limiter"
_CALLS = 10_000
"""Calls that may wait for permission at the same time; each is one call of the actor."""
_AGAIN_SECONDS = 0.5
_TRIES = 60
"""Half a minute in all: far longer than a restart of the actor takes."""


class _RateLimiterActor:
    """Runs inside an actor that Ray restarts; it remembers nothing, and starts carefully."""

    def __init__(self) -> None:
        configured = settings.load()
        logs.configure(configured.log_level)
        self._rate_limiter = LocalRateLimiter(quotas(configured))

    async def acquire(self, request: PermitRequest) -> Permit | IngestError:
        """Wait for permission; an error is returned, because Ray would wrap one that is raised."""
        try:
            return await self._rate_limiter.acquire(request)
        except IngestError as exc:
            return exc

    async def release(self, permit: Permit, report: Report) -> None:
        """Say how a call ended."""
        await self._rate_limiter.release(permit, report)

    async def health(self) -> list[KeyHealth]:
        """How every key is."""
        return await self._rate_limiter.health()


Limiter = ray.remote(_RateLimiterActor)


class SharedRateLimiter:
    """The RateLimiter port: asks the actor, and waits while that one is restarted."""

    def __init__(self) -> None:
        self._actor: Any = None

    async def acquire(self, request: PermitRequest) -> Permit:
        """See the port."""
        for _ in range(_TRIES):
            try:
                answer = await self._limiter().acquire.remote(request)
            except ray.exceptions.RayError as exc:
                log.warning("limiter lost", reason=type(exc).__name__)
                self._actor = None
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            if isinstance(answer, IngestError):
                raise answer
            permit: Permit = answer
            return permit
        raise ProviderPaused("the cluster's limiter does not answer")

    async def release(self, permit: Permit, report: Report) -> None:
        """Say how a call ended; nobody waits, and a limiter that is gone has forgotten the call."""
        with contextlib.suppress(ray.exceptions.RayError, ValueError):
            self._limiter().release.remote(permit, report)

    async def health(self) -> list[KeyHealth]:
        """How every key is; empty while there is no limiter."""
        try:
            known: list[KeyHealth] = await asyncio.wait_for(
                asyncio.wrap_future(self._limiter().health.remote().future()), 2.0
            )
        except (ray.exceptions.RayError, ValueError, TimeoutError):
            self._actor = None
            return []
        return known

    def _limiter(self) -> Any:
        if self._actor is None:
            self._actor = start()
        return self._actor


def start() -> Any:
    """Start the limiter, or find the one that runs."""
    return Limiter.options(
        name=NAME,
        namespace=NAMESPACE,
        get_if_exists=True,
        lifetime="detached",
        max_restarts=-1,
        max_concurrency=_CALLS,
        num_cpus=0.01,
    ).remote()
