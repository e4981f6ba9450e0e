"""Removes rows that nothing needs any more, a few at a time."""

from dataclasses import dataclass
from datetime import timedelta

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load

SQL = load("retention")


@dataclass(frozen=True, slots=True)
class EventsPruned:
    """What one look at events did."""

    reached: int | None
    """Id of the last one that was looked at; None behind the end."""
    goes_on: bool
    """Whether there may be more that are old enough."""
    pruned: int


class RetentionStore:
    """Rows of ``events``, ``webhook_log`` and ``parse_jobs`` that came to their end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prune_events(
        self, *, after: int, limit: int, keep: timedelta, keep_failed: timedelta
    ) -> EventsPruned:
        """Look at events behind one; remove those of jobs that ended long ago.

        A job that has not ended keeps its whole history, however old.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["prune_events"], after, limit, keep, keep_failed)
        return EventsPruned(**row)

    async def prune_webhooks(self, *, limit: int, keep: timedelta) -> int:
        """Remove old deliveries about parses that are over; returns how many."""
        async with self._database.connection() as connection:
            return len(await connection.fetch(SQL["prune_webhooks"], limit, keep))

    async def prune_parses(self, *, limit: int, keep: timedelta) -> int:
        """Remove parses that failed long ago; returns how many."""
        async with self._database.connection() as connection:
            return len(await connection.fetch(SQL["prune_parses"], limit, keep))
