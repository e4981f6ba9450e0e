"""The RateLimiter port within one process, for programs that run no cluster."""

from collections.abc import Mapping

from ingest.app.providers.rate_limiter import Quota, RateLimiterCore
from ingest.domain.provider import KeyHealth, Permit, PermitRequest, Report


class LocalRateLimiter:
    """A rate limiter that nobody else goes through."""

    def __init__(self, quotas: Mapping[str, Quota]) -> None:
        self._core = RateLimiterCore(quotas)

    async def acquire(self, request: PermitRequest) -> Permit:
        """Wait for permission; see ``ports.providers.RateLimiter``."""
        return await self._core.acquire(request)

    async def release(self, permit: Permit, report: Report) -> None:
        """Say how a call ended."""
        self._core.release(permit, report)

    async def health(self) -> list[KeyHealth]:
        """How every key is."""
        return self._core.health()
