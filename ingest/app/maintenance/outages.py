"""Which providers are away, as the limiter of this cluster sees them."""

from collections.abc import Mapping

from ingest.domain.circuit_breaker import BreakerState
from ingest.domain.job import Degraded
from ingest.ports.providers import RateLimiter


class Outages:
    """Providers that do something for us, and are away now."""

    def __init__(self, limiter: RateLimiter, provided: Mapping[Degraded, str]) -> None:
        """Ask this limiter; ``provided`` is what providers do, and which."""
        self._limiter = limiter
        self._provided = provided

    async def away(self) -> set[str]:
        """Providers of which no key works."""
        if not self._provided:
            return set()
        health = await self._limiter.health()
        works = {key.provider for key in health if key.breaker is BreakerState.CLOSED}
        return {key.provider for key in health} - works
