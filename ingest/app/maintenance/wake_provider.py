"""Jobs that wait for a provider are tried again: all when it is back, a few while it is away."""

from ingest.app.maintenance.outages import Outages
from ingest.app.maintenance.wake_waiting import WakesJobs
from ingest.domain.duty_lease import scoped
from ingest.domain.job import WaitReason

INTERVAL = 5.0
"""Seconds. While a provider is away each run sends two jobs to find out, and most of these fail:
more often would trouble a provider that is down, more seldom would notice its return late."""
_MOST = 1000
_PROBES = 2


class WakeProvider:
    """Returns jobs to the queue that wait because no key of a provider worked.

    Which providers are away is known to the limiter of a cluster, so each cluster has a holder of
    its own. If it never ran, these jobs would wait until their deadline and fail, though the
    provider is back. Survives a database that is away, and a limiter that does not answer.
    """

    failed = "jobs that wait for a provider not woken"

    def __init__(
        self, jobs: WakesJobs, outages: Outages, *, cluster: str, interval: float = INTERVAL
    ) -> None:
        """Of this queue; ``cluster`` names the one that shares a limiter."""
        self.name = scoped("wake_provider", cluster)
        self.interval = interval
        self._jobs = jobs
        self._outages = outages
        self._were_away: set[str] = set()

    async def run_once(self) -> None:
        """Wake up to a thousand, or only a few while a provider is away; see ``Duty``."""
        away = await self._outages.away()
        if self._were_away - away:
            await self._jobs.hasten(WaitReason.PROVIDER)  # one that was away is back
        self._were_away = away
        await self._jobs.wake(WaitReason.PROVIDER, limit=_PROBES if away else _MOST)
