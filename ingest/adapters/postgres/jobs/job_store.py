"""The queue: claims, leases, and the one function that ends an attempt."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.statements import load
from ingest.domain.attempt import Settlement
from ingest.domain.errors import IngestError
from ingest.domain.job import Cause, ClaimedJob, Degraded, JobState, Lane, Lease, WaitReason
from ingest.domain.reprocess import Reprocessed, Reprocessing
from ingest.domain.stage import Stage

SQL = load("upload_jobs")
CLAIM = load("claim")
LEASES = load("leases")
MOST_AHEAD = 500
"""Counting more jobs that come first would cost more than anybody learns from it."""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as its owner sees it."""

    job_id: UUID
    document_id: UUID
    tenant_id: UUID
    generation: int
    lane: Lane
    stage: Stage
    state: JobState
    attempt_count: int
    """Failed attempts so far."""
    rescue_count: int
    replay_count: int
    """How often a person sent it round again from the dead letter."""
    run_after: datetime
    leased_by: UUID | None
    leased_until: datetime | None
    progressed_at: datetime | None
    wait_reason: str | None
    wait_until: datetime | None
    chunks_total: int | None
    """Known once the document is cut."""
    chunks_stored: int
    skipped_chunks: list[dict[str, Any]] | None
    """Chunks that were left out: chunk_ord, code and message of each."""
    last_error: dict[str, Any] | None
    """class, code, message and stage of the last failure."""
    correlation_id: str
    cause: Cause
    degraded: tuple[Degraded, ...]
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    filename: str
    media_type: str
    bytes_len: int
    warning_count: int
    warnings: list[dict[str, Any]]
    """code and message of each warning about its text; in lists of the first ten."""


def _error_json(error: IngestError) -> dict[str, Any]:
    # jsonb takes neither NUL nor lone surrogates, and an attempt must end whatever its error says.
    message = error.message.replace("\0", "").encode("utf-8", "replace").decode()
    return {"class": type(error).__name__, "code": error.code, "message": message}


class JobStore:
    """Rows of ``upload_jobs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, lane: Lane, *, after: UUID, limit: int, worker_id: UUID, lease: timedelta
    ) -> list[ClaimedJob]:
        """See ``claim.ClaimsJobs``."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(CLAIM["claim_jobs"], lane, after, limit, worker_id, lease)
        return [_claimed(row) for row in rows]

    async def count_working(self, worker_id: UUID) -> int:
        """See ``claim.ClaimsJobs``."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(CLAIM["count_working"], worker_id))

    async def heartbeat(
        self, worker_id: UUID, *, lease: timedelta, stage_timeout: timedelta
    ) -> None:
        """See ``claim.ClaimsJobs``."""
        async with self._database.connection() as connection:
            await connection.execute(LEASES["heartbeat_jobs"], worker_id, lease, stage_timeout)

    async def rescue(self, *, max_rescues: int, limit: int = 1000) -> list[UUID]:
        """Return jobs whose lease ran out to the queue, or, too often, to the dead letter."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(LEASES["rescue_jobs"], max_rescues, limit)
            await connection.fetch(SQL["expire_waiting"])
        return [row["job_id"] for row in rows]

    async def release(self, worker_id: UUID, *, died: bool, max_rescues: int) -> list[UUID]:
        """Give back at once what a worker holds.

        Args:
            worker_id: The worker; it must never write again, and cannot: its tokens are void.
            died: Count it as a rescue, so that a document that kills its worker ends somewhere.
            max_rescues: Rescues after which a job ends in the dead letter.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                LEASES["release_worker"], worker_id, int(died), max_rescues
            )
        return [row["job_id"] for row in rows]

    async def settle(self, lease: Lease, settlement: Settlement) -> bool:
        """See the port."""
        async with self._database.connection() as connection:
            settled = await connection.fetchval(
                SQL["settle_job"],
                lease.job_id,
                lease.token,
                settlement.state,
                _error_json(settlement.error),
                settlement.delay,
                int(settlement.costs_attempt),
                settlement.wait_reason,
                settlement.wait_at_most,
                settlement.parse_job_id,
                settlement.degrade,
            )
        return settled is not None

    async def wake(self, reason: WaitReason, *, limit: int) -> int:
        """Return to the queue jobs that wait for this and are due to look again."""
        async with self._database.connection() as connection:
            return len(await connection.fetch(SQL["wake_waiting"], reason, limit))

    async def hasten(self, reason: WaitReason, tenant_id: UUID | None = None) -> None:
        """Let jobs that wait for this look again at once; of one tenant, or of all."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["hasten_waiting"], reason, tenant_id)

    async def upgrade(self, parts: Collection[Degraded], *, limit: int, probing: bool) -> int:
        """See ``upgrade_degraded.MakesUpgrades``."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["insert_upgrades"], limit, list(parts), probing)
        return len(rows)

    async def renew(
        self, wanted: Reprocessing, *, after: tuple[datetime, UUID] | None, most: int, page: int
    ) -> Reprocessed | None:
        """Make jobs for what is outdated in the next page of documents; None: there is no more.

        Args:
            wanted: How they are to be.
            after: Where the page begins; None: at the first document.
            most: Most jobs.
            page: Documents that are looked at.

        Raises:
            StoreUnavailable: no job was made.
        """
        moment, document_id = after or (None, None)
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                SQL["insert_renewals"],
                wanted.tenant_id,
                wanted.model.name,
                wanted.model.version,
                wanted.chunker,
                wanted.run,
                moment,
                document_id,
                most,
                page,
                wanted.lane,
                wanted.reader,
            )
        if row is None:
            return None
        return Reprocessed((row["created_at"], row["document_id"]), row["due"], row["made"])

    async def cancel(self, job_id: UUID, tenant_id: UUID) -> bool:
        """Stop a job of a tenant; False when it had ended or is not theirs."""
        async with self._database.transaction() as connection:
            job = await connection.fetchrow(SQL["get_job"], job_id, tenant_id)
            return job is not None and bool(
                await cancel_jobs(connection, [job_id], reason="cancelled by request")
            )

    async def replay(self, job_id: UUID, tenant_id: UUID) -> bool:
        """Send a dead-lettered job round again; False when it is not one of theirs.

        A job of an older generation than the document's newest stays where it is, and so does
        one whose content was uploaded again meanwhile: that upload's job does the work.
        """
        try:
            async with self._database.connection() as connection:
                return await connection.fetchval(SQL["replay_job"], job_id, tenant_id) is not None
        except asyncpg.UniqueViolationError:
            return False

    async def get(self, job_id: UUID, tenant_id: UUID) -> JobView | None:
        """One job of a tenant, with all its warnings."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["get_job"], job_id, tenant_id)
            if row is None:
                return None
            view = view_of(row)
            if view.warning_count > len(view.warnings):
                found = await connection.fetchval(SQL["get_job_warnings"], job_id, tenant_id)
                view = replace(view, warnings=found or view.warnings)
        return view

    async def get_many(self, job_ids: Sequence[UUID], tenant_id: UUID) -> list[JobView]:
        """Several jobs of a tenant; unknown ids are left out."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["get_jobs"], job_ids, tenant_id)
        return [view_of(row) for row in rows]

    async def list_newest(
        self,
        tenant_id: UUID,
        *,
        state: JobState | None = None,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 50,
    ) -> list[JobView]:
        """A tenant's jobs, newest first; ``before`` is the (created_at, job_id) of the last one."""
        created_at, job_id = before or (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL["list_jobs"], tenant_id, state, created_at, job_id, limit
            )
        return [view_of(row) for row in rows]

    async def queue_position(self, job_id: UUID) -> int:
        """Claimable jobs of the same lane and tenant that come first, counted up to MOST_AHEAD."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(SQL["queue_position"], job_id, MOST_AHEAD))

    async def oldest_due_seconds(self) -> dict[Lane, float]:
        """Age of the oldest claimable job of each lane that has one."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["oldest_due"], list(Lane))
        return {Lane(r["lane"]): r["seconds"] for r in rows if r["seconds"] is not None}


async def cancel_jobs(
    connection: Connection, job_ids: Sequence[UUID], *, reason: str
) -> list[UUID]:
    """Cancel unfinished jobs inside a caller's transaction; returns those that were."""
    error = {"class": "Cancelled", "code": "cancelled", "message": reason}
    rows = await connection.fetch(SQL["cancel_jobs"], job_ids, error)
    return [row["job_id"] for row in rows]


def _claimed(row: asyncpg.Record) -> ClaimedJob:
    fields = dict(row)
    lease = Lease(job_id=fields.pop("job_id"), token=fields.pop("lease_token"))
    return ClaimedJob(
        lease=lease,
        lane=Lane(fields.pop("lane")),
        stage=Stage(fields.pop("stage")),
        cause=Cause(fields.pop("cause")),
        degraded=frozenset(map(Degraded, fields.pop("degraded"))),
        **fields,
    )


def view_of(row: asyncpg.Record) -> JobView:
    """A row of the statements that read jobs."""
    fields = dict(row)
    return JobView(
        lane=Lane(fields.pop("lane")),
        stage=Stage(fields.pop("stage")),
        state=JobState(fields.pop("state")),
        cause=Cause(fields.pop("cause")),
        degraded=tuple(map(Degraded, fields.pop("degraded"))),
        **fields,
    )
