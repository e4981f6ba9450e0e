"""Runs of backfills: what one has registered can be called off."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from ingest.adapters.postgres.jobs.job_store import cancel_jobs
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load

SQL = load("upload_jobs")
PAGE = 5_000
"""Jobs that are cancelled by one transaction, which those that work on them wait for."""


class RunStore:
    """The jobs that bear a run's name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cancel(self, run: str, tenant_id: UUID, *, page: int = PAGE) -> AsyncIterator[int]:
        """Stop what a tenant's run made and has not ended; yields how many were, page by page.

        Jobs of uploads stay, whatever correlation id they were given. What the run has published
        stays searchable, and the next run takes in again what this one did not.
        """
        before: datetime | None = None
        while True:
            async with self._database.transaction() as connection:
                jobs = await connection.fetch(SQL["lock_run_jobs"], tenant_id, run, before, page)
                if not jobs:
                    return
                cancelled = await cancel_jobs(
                    connection,
                    [job["job_id"] for job in jobs],
                    reason=f"{run} was cancelled by request",
                )
            before = min(job["created_at"] for job in jobs)
            yield len(cancelled)
