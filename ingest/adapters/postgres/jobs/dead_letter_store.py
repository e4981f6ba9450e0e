"""The dead letter of a tenant: what is in it, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ingest.adapters.postgres.jobs.job_store import JobView, view_of
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain.dead_letter import DeadLetterQuery

SQL = load("dead_letter")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did, or would do."""

    jobs: int
    left: int
    """Jobs that match and can be replayed by another call."""
    superseded: int
    """Jobs that match and cannot be: a newer job of the same document took their place."""
    last_due_at: datetime | None
    """When the last of them may start; None when nothing was done."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """What a discard did, or would do."""

    jobs: int
    left: int
    """Jobs that match and can be discarded by another call."""


class DeadLetterStore:
    """Dead-lettered rows of ``upload_jobs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_latest(
        self,
        tenant_id: UUID,
        wanted: DeadLetterQuery,
        *,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 50,
    ) -> list[JobView]:
        """A tenant's dead jobs, the latest first; ``before`` is (finished_at, job_id)."""
        finished_at, job_id = before or (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL["list_dead"], tenant_id, *_narrowed(wanted), finished_at, job_id, limit
            )
        return [view_of(row) for row in rows]

    async def replay(
        self,
        tenant_id: UUID,
        wanted: DeadLetterQuery,
        *,
        limit: int,
        apart: timedelta,
        dry_run: bool = False,
    ) -> Replayed:
        """Send a tenant's dead jobs round again, the longest dead first, one after the other.

        Doing it again finds only what is still dead.

        Args:
            tenant_id: The tenant.
            wanted: Which jobs.
            limit: Most jobs.
            apart: Between the moments from which two jobs may start.
            dry_run: Only say what would be done.
        """
        async with self._database.transaction() as connection:
            found = await connection.fetchrow(
                SQL["choose_dead"], tenant_id, *_narrowed(wanted), limit, False
            )
            job_ids, replayable = found["job_ids"], found["replayable"]
            superseded = found["matching"] - replayable
            if dry_run or not job_ids:
                return Replayed(len(job_ids), replayable - len(job_ids), superseded, None)
            await connection.fetch(SQL["lock_documents_of"], job_ids)
            rows = await connection.fetch(SQL["replay_dead"], job_ids, tenant_id, apart)
        due = max((row["run_after"] for row in rows), default=None)
        return Replayed(len(rows), replayable - len(job_ids), superseded, due)

    async def discard(
        self, tenant_id: UUID, wanted: DeadLetterQuery, *, limit: int, dry_run: bool = False
    ) -> Discarded:
        """Give a tenant's dead jobs up; as ``replay``, but at once and for all that match."""
        async with self._database.transaction() as connection:
            found = await connection.fetchrow(
                SQL["choose_dead"], tenant_id, *_narrowed(wanted), limit, True
            )
            job_ids = found["job_ids"]
            left = found["matching"] - len(job_ids)
            if dry_run:
                return Discarded(len(job_ids), left)
            await connection.fetch(SQL["lock_documents_of"], job_ids)
            rows = await connection.fetch(SQL["discard_dead"], job_ids, tenant_id)
        return Discarded(len(rows), left)


def _narrowed(wanted: DeadLetterQuery) -> tuple[Any, ...]:
    return wanted.code, wanted.classes, wanted.older_than, wanted.newer_than, wanted.text
