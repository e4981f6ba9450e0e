"""Jobs whose lease ran out go back to the queue."""

from typing import Protocol
from uuid import UUID

import structlog

log = structlog.get_logger(module=__name__)
INTERVAL = 5.0
"""Seconds. A lease lasts a minute, so a twelfth of that is added to the wait; more often would scan
the leases for nothing. INGEST_RESCUE_INTERVAL_SECONDS takes its place."""


class RescuesJobs(Protocol):
    """The queue, as far as a rescue needs it."""

    async def rescue(self, *, max_rescues: int) -> list[UUID]:
        """Return jobs whose lease ran out to the queue, or, too often, to the dead letter."""
        ...


class Rescue:
    """Returns jobs whose worker died with its machine, and ends waits past their deadline.

    If it never ran, the jobs of a lost machine would stay under way for ever, and jobs that wait
    for something that never comes would wait for ever. Survives a database that is away.
    """

    name = "rescue"
    failed = "rescue failed"

    def __init__(self, jobs: RescuesJobs, *, max_rescues: int, interval: float = INTERVAL) -> None:
        """Of this queue; after ``max_rescues`` a job ends in the dead letter."""
        self.interval = interval
        self._jobs = jobs
        self._max_rescues = max_rescues

    async def run_once(self) -> None:
        """Rescue up to a thousand jobs; see ``Duty``."""
        if rescued := await self._jobs.rescue(max_rescues=self._max_rescues):
            log.warning("jobs rescued", jobs=len(rescued))
