"""How the queue moves: its pace, and what does not move."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain.eta import Throughput
from ingest.domain.heartbeat import SILENT_AFTER
from ingest.domain.job import Lane, WaitReason

SQL = load("queue_measures")
MOST_UNFINISHED = 500
"""Counting more of them would cost more than anybody learns from it."""
MOST_IGNORED = 10_000
"""Most stuck jobs to count: this many prove that the stream is wrong."""
THROUGHPUT_WINDOW = timedelta(minutes=5)
"""How far back the throughput is measured."""


@dataclass(frozen=True, slots=True)
class LaneCounts:
    """A tenant's jobs in a lane."""

    unfinished: int
    """As far as they were counted."""
    done: int
    dead: int


class QueueMeasures:
    """Measures ``upload_jobs`` as a queue; changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def throughput(self, lane: Lane, tenant_id: UUID) -> Throughput:
        """The recent throughput of a lane, for one tenant."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                SQL["measure_throughput"], lane, tenant_id, THROUGHPUT_WINDOW
            )
        return Throughput(**row)

    async def now(self) -> datetime:
        """The database's time."""
        async with self._database.connection() as connection:
            moment: datetime = await connection.fetchval("SELECT now()")
        return moment

    async def lane(
        self,
        lane: Lane,
        tenant_id: UUID,
        *,
        since: datetime,
        until: datetime | None = None,
        most: int | None = MOST_UNFINISHED,
    ) -> LaneCounts:
        """How a tenant's jobs in a lane get on.

        Args:
            lane: Which lane.
            tenant_id: Whose jobs.
            since: What ended is counted from here on.
            until: To here, or to this moment.
            most: Count no more unfinished ones; None counts all, which takes its time.
        """
        async with self._database.planning_once() as connection:
            row = await connection.fetchrow(SQL["count_lane"], tenant_id, lane, since, until, most)
        return LaneCounts(**row)

    async def all_submitted(self, lane: Lane, tenant_id: UUID) -> bool:
        """Whether all that is left of a tenant in a lane is in batches at their provider."""
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(SQL["lane_is_submitted"], tenant_id, lane))

    async def waiting(self) -> dict[WaitReason, int]:
        """How many jobs wait, by reason."""
        async with self._database.planning_once() as connection:
            rows = await connection.fetch(SQL["count_waiting"])
        return {WaitReason(row["wait_reason"]): row["jobs"] for row in rows}

    async def stuck(self, *, after: timedelta) -> dict[str, int]:
        """Unfinished jobs that nothing moves, by kind; there should be none.

        The kinds: ``lease`` ran out, or never will; ``wait`` is over, or never will be;
        ``never_due`` in the queue; ``ignored`` by an idle stream.

        Args:
            after: How long something that should have moved a job may be late.
        """
        async with self._database.planning_once() as connection:
            rows = await connection.fetch(
                SQL["count_stuck"], after, list(Lane), MOST_IGNORED, SILENT_AFTER
            )
        return {row["kind"]: row["jobs"] for row in rows}
