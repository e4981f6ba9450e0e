"""How many jobs and documents there are, without counting them."""

from dataclasses import dataclass

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain.job import JobState, Lane
from ingest.domain.stage import Stage

SQL = load("counters")
FOLD = 20_000
"""Rows that are put together at once."""


@dataclass(frozen=True, slots=True)
class DocumentCounts:
    """What is published."""

    documents: int
    chunks: int
    degraded: int
    """Documents of which something was made here because its provider was away."""


class CounterStore:
    """Rows of ``counters``, which triggers write."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def jobs(self) -> list[tuple[Lane, Stage, JobState, int]]:
        """Jobs by lane, stage and state, over all tenants."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["count_jobs"])
        return [
            (Lane(row["lane"]), Stage(row["stage"]), JobState(row["state"]), row["jobs"])
            for row in rows
        ]

    async def documents(self) -> DocumentCounts:
        """What is published, over all tenants."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["count_documents"])
        return DocumentCounts(**row)

    async def fold(self) -> None:
        """Put rows together, so that summing them up stays cheap; changes no sum."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["fold_counters"], FOLD)
