"""Polls jobs until they end."""

import asyncio
import time
from collections.abc import Callable

from ingest.cli.client.gateway_client import BATCH_JOBS, GatewayClient
from ingest.cli.output import Json
from ingest.domain.job import FINAL_STATES

_FINAL = frozenset(state.value for state in FINAL_STATES)
FASTEST, SLOWEST = 0.2, 1.5
"""Shortest and longest wait between two polls, in seconds."""
# An operator's pause is therefore shown within two seconds.


class JobPoller:
    """Polls jobs until each has ended."""

    def __init__(
        self,
        gateway: GatewayClient,
        ended: Callable[[str, Json | None], None],
        paused: Callable[[int, list[Json]], None],
    ) -> None:
        """Start with no jobs.

        Args:
            gateway: Client of the gateway that has the jobs.
            ended: Called once for each job, with its id and the job; None when the job was deleted.
            paused: Called after each poll, with the number of paused jobs and the pauses.
        """
        self._gateway = gateway
        self._ended = ended
        self._paused = paused
        self._pending: set[str] = set()
        self._complete = False

    @property
    def pending(self) -> int:
        """Number of jobs that have not ended."""
        return len(self._pending)

    def add(self, job_id: str) -> None:
        """Poll this job as well."""
        self._pending.add(job_id)

    def complete(self) -> None:
        """Note that no more jobs will be added."""
        self._complete = True

    async def run(self) -> None:
        """Return when every job has ended and no more will be added.

        Raises:
            Unreachable: the gateway did not answer for longer than the client's patience.
            Refused: the gateway refuses to show the jobs.
        """
        pause = FASTEST
        while self._pending or not self._complete:
            started = time.monotonic()
            progressed = await self._poll()
            took = time.monotonic() - started
            pause = FASTEST if progressed else min(SLOWEST, pause * 1.3)
            if self._pending or not self._complete:
                await asyncio.sleep(max(pause, 2 * took))

    async def _poll(self) -> bool:
        """Read every pending job; True when one ended."""
        asked = sorted(self._pending)
        ended = paused = 0
        pauses: dict[tuple[str, str | None], Json] = {}
        for start in range(0, len(asked), BATCH_JOBS):
            batch = asked[start : start + BATCH_JOBS]
            found = {job["job_id"]: job for job in await self._gateway.jobs(batch)}
            for job_id in batch:
                job = found.get(job_id)
                if job is None or job["state"] in _FINAL:
                    self._pending.discard(job_id)
                    self._ended(job_id, job)
                    ended += 1
                elif found_pauses := (job.get("waiting_for") or {}).get("pauses"):
                    paused += 1
                    pauses |= {(pause["kind"], pause["subject"]): pause for pause in found_pauses}
        self._paused(paused, list(pauses.values()))
        return ended > 0
