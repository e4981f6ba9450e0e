"""Documents that were made without their provider are made again once it is back."""

from collections.abc import Collection, Mapping
from typing import Protocol

from ingest.app.maintenance.outages import Outages
from ingest.domain.duty_lease import scoped
from ingest.domain.job import Degraded

INTERVAL = 5.0
"""Seconds. A run starts at most a hundred documents, so twenty a second: fast enough to keep the
queue filled, and slow enough to leave room for new uploads."""
_MOST = 100


class MakesUpgrades(Protocol):
    """The queue, as far as upgrades need it."""

    async def upgrade(self, parts: Collection[Degraded], *, limit: int, probing: bool) -> int:
        """Have degraded documents made again whose providers are back; returns how many.

        Args:
            parts: What can be made as it was asked for.
            limit: Most documents.
            probing: Only find out whether a provider is back, when no other job would.
        """
        ...


class UpgradeDegraded:
    """Makes jobs for degraded documents; while a provider is away, one that finds out.

    Which providers are away is known to the limiter of a cluster, so each cluster has a holder of
    its own for each set of providers. If it never ran, a document that became searchable without
    its provider would keep the lower quality for ever. Survives a database that is away, and a
    limiter that does not answer.
    """

    failed = "degraded documents not upgraded"

    def __init__(
        self,
        jobs: MakesUpgrades,
        outages: Outages,
        provided: Mapping[Degraded, str],
        *,
        cluster: str,
        interval: float = INTERVAL,
    ) -> None:
        """Of this queue; ``provided`` is what providers do, and which."""
        self.name = scoped("upgrade_degraded", cluster, *sorted(provided))
        self.interval = interval
        self._jobs = jobs
        self._outages = outages
        self._provided = provided

    async def run_once(self) -> None:
        """Have up to a hundred documents made again; see ``Duty``."""
        away = await self._outages.away()
        back = {part for part, provider in self._provided.items() if provider not in away}
        await self._jobs.upgrade(back, limit=_MOST, probing=False)
        if away:
            await self._jobs.upgrade(self._provided, limit=1, probing=True)
