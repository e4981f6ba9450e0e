"""Runs of backfills: what one has registered can be called off."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from ingest.adapters.postgres.job_store import cancellation
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load

SQL = load("upload_jobs")
PAGE = 5_000
"""Jobs that are cancelled by one transaction, which those that work on them wait for."""


class RunStore:
    """The jobs that bear a run's name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cancel(self, run: str, user_id: UUID, *, page: int = PAGE) -> AsyncIterator[int]:
        """Stop what a tenant's run made and has not ended; yields how many were, page by page.

        Jobs of uploads stay, whatever correlation id they were given. What the run has published
        stays searchable, and the next run takes in again what this one did not.
        """
        error = cancellation(f"{run} was cancelled by request")
        before: datetime | None = None
        while True:
            async with self._database.connection() as connection:
                row = await connection.fetchrow(
                    SQL["cancel_run"], user_id, run, error, before, page
                )
            if row["earliest"] is None:
                return
            before = row["earliest"]
            yield row["cancelled"]
