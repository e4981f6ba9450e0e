"""Documents: accepting them, knowing where their text is, deleting them."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from ingest.adapters.postgres.documents.document_blobs import ensure_kept, remove_unused
from ingest.adapters.postgres.documents.new_documents import insert_new
from ingest.adapters.postgres.documents.tombstone_store import (
    ensure_welcome,
    forget_errors,
    leave_tombstone,
)
from ingest.adapters.postgres.jobs.job_store import cancel_jobs
from ingest.adapters.postgres.jobs.leases import lock_leases
from ingest.adapters.postgres.jobs.limit_store import admit_upload, admit_uploads
from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.statements import load
from ingest.domain import identity
from ingest.domain.arrival import Accepted, Arrival, Replaced
from ingest.domain.attempt import ParsedRecord
from ingest.domain.errors import Conflict, DocumentDeleted, StoreUnavailable
from ingest.domain.job import Degraded, JobState
from ingest.domain.parse_warning import WarningCode

SQL = load("documents")
JOBS = load("upload_jobs")
PARSES = load("parse_jobs")


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document as its owner sees it."""

    document_id: UUID
    tenant_id: UUID
    name: str
    filename: str
    media_type: str
    bytes_len: int
    file_sha256: str | None
    """None while its bytes are to be fetched from their source."""
    parser: str | None
    page_count: int | None
    char_count: int | None
    generation: int
    """Newest accepted."""
    live_generation: int
    """Published; 0 before the first."""
    chunk_count: int
    """Of the published generation."""
    parsed_key: str | None
    degraded: tuple[Degraded, ...]
    """What of the published generation was made here because its provider was away."""
    warning_count: int
    warnings: list[dict[str, Any]]
    """code and message of each warning about the newest text; in lists of the first ten."""
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None


class _Raced(Exception):
    """The document was deleted while its next upload was being accepted."""


class _OneByOne(Exception):
    """Of many uploads, each must be decided by itself."""


class DocumentStore:
    """Rows of ``documents``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(
        self, arrival: Arrival, *, blob_is_there: Callable[[str], Awaitable[bool]]
    ) -> Accepted:
        """Take in a document once: new, its next generation, or what is there already.

        Equal bytes under the same name answer with the existing job, unless that one ended in
        the dead letter or was cancelled. Other bytes are the document's next generation, and
        unfinished jobs of older generations are cancelled. Bytes that are still to be fetched are
        what a job that has not begun will find; other than those that one under way may have found.

        Args:
            arrival: The document.
            blob_is_there: Asked last, under a lock that deleting takes too.

        Raises:
            Conflict: the idempotency key was used for other bytes.
            DocumentExists: other bytes have the name, and they may not be replaced.
            DocumentDeleted: it may not come back; nothing was accepted.
            LimitReached: the tenant may have no more jobs now; nothing was accepted.
            StoreUnavailable: nothing was accepted.
        """
        for _ in range(3):
            try:
                async with self._database.transaction() as connection:
                    accepted = await self._accept(connection, arrival)
                    if accepted.created and arrival.raw_key is not None:
                        await ensure_kept(connection, [arrival.raw_key], blob_is_there)
                    return accepted
            except (asyncpg.UniqueViolationError, _Raced):
                continue  # the next try finds what the winner of the race left
        raise StoreUnavailable("the same upload is being accepted at this moment")

    async def accept_together(
        self, arrivals: Sequence[Arrival], *, blob_is_there: Callable[[str], Awaitable[bool]]
    ) -> dict[UUID, Accepted]:
        """Take in those of many documents that are new, or have the same bytes already.

        It is one transaction, with a few statements for all of them. ``accept`` is left to decide
        about the others: next generations, failed jobs, and all when a limit may be reached.

        Args:
            arrivals: Stored documents, as for ``insert_new``.
            blob_is_there: Asked last, under a lock that deleting takes too.

        Returns:
            What became of them, by the ``job_id`` of the arrival.

        Raises:
            StoreUnavailable: nothing was accepted.
        """
        if not arrivals:
            return {}
        try:
            async with self._database.transaction() as connection:
                return await self._accept_together(connection, arrivals, blob_is_there)
        except (_OneByOne, DocumentDeleted):
            return {}

    async def _accept_together(
        self,
        connection: Connection,
        arrivals: Sequence[Arrival],
        blob_is_there: Callable[[str], Awaitable[bool]],
    ) -> dict[UUID, Accepted]:
        tenant_id = arrivals[0].tenant_id
        new = await insert_new(connection, arrivals)
        made = [arrival for arrival in arrivals if arrival.document_id in new]
        there = {one.document_id: one for one in arrivals if one.document_id not in new}
        accepted = {
            one.job_id: Accepted(one.document_id, one.job_id, 1, created=True) for one in made
        }
        # Documents are locked before the tenant's count, and that before blobs, as in ``accept``.
        if made and not await admit_uploads(connection, tenant_id, [one.bytes_len for one in made]):
            raise _OneByOne
        if there:
            digests = [one.file_sha256 for one in there.values()]
            for row in await connection.fetch(
                SQL["find_accepted"], tenant_id, list(there), digests
            ):
                accepted[there[row["document_id"]].job_id] = _known(row)
        if kept := {one.raw_key for one in made if one.raw_key}:
            await ensure_kept(connection, kept, blob_is_there)
        return accepted

    async def _accept(self, connection: Connection, arrival: Arrival) -> Accepted:
        if arrival.idempotency_key is not None:
            row = await connection.fetchrow(
                JOBS["find_job_by_key"], arrival.tenant_id, arrival.idempotency_key
            )
            if row is not None:
                return _replayed(row, arrival)
        inserted = await connection.fetchval(
            SQL["insert_document"],
            arrival.document_id,
            arrival.tenant_id,
            arrival.name,
            arrival.filename,
            arrival.media_type,
            arrival.bytes_len,
            arrival.file_sha256,
            arrival.raw_key,
            arrival.source_path,
        )
        if inserted:
            await ensure_welcome(connection, arrival)
            return await self._enqueue(connection, arrival, 1)
        return await self._accept_again(connection, arrival)

    async def _accept_again(self, connection: Connection, arrival: Arrival) -> Accepted:
        await connection.execute(SQL["lock_accepting"], arrival.document_id)
        older = await connection.fetch(JOBS["lock_document_jobs"], arrival.document_id)
        present = await connection.fetchrow(
            SQL["lock_document"], arrival.document_id, arrival.tenant_id
        )
        if present is None:
            raise _Raced
        if present["file_sha256"] == arrival.file_sha256:
            job = await connection.fetchrow(JOBS["newest_job"], arrival.document_id)
            if job is None or job["state"] in (JobState.DEADLETTER, JobState.CANCELLED):
                return await self._enqueue(connection, arrival, present["generation"])
            if arrival.file_sha256 is not None or job["state"] != JobState.WORKING:
                return Accepted(
                    arrival.document_id, job["job_id"], job["generation"], created=False
                )
        before = Replaced(present["filename"], present["source_path"], present["generation"])
        arrival.ensure_may_follow(before)
        await cancel_jobs(
            connection, [row["job_id"] for row in older], reason="superseded by newer content"
        )
        generation = await connection.fetchval(
            SQL["next_generation"],
            arrival.document_id,
            arrival.filename,
            arrival.media_type,
            arrival.bytes_len,
            arrival.file_sha256,
            arrival.raw_key,
            arrival.source_path,
        )
        accepted = await self._enqueue(connection, arrival, generation)
        return replace(accepted, replaces=before)

    async def _enqueue(self, connection: Connection, arrival: Arrival, generation: int) -> Accepted:
        await admit_upload(connection, arrival.tenant_id, arrival.bytes_len)
        await connection.execute(
            JOBS["insert_job"],
            arrival.job_id,
            arrival.document_id,
            arrival.tenant_id,
            generation,
            arrival.file_sha256,
            arrival.lane,
            0,
            arrival.idempotency_key,
            arrival.correlation_id,
        )
        return Accepted(arrival.document_id, arrival.job_id, generation, created=True)

    async def record_parsed(
        self,
        records: Sequence[ParsedRecord],
        *,
        lease: timedelta,
        text_is_there: Callable[[str], Awaitable[bool]],
    ) -> set[UUID]:
        """See the port; ``text_is_there`` is asked under a lock that deleting takes, too."""
        async with self._database.transaction() as connection:
            held = await lock_leases(connection, [record.target.lease for record in records])
            live = [record for record in records if record.target.lease.job_id in held]
            if live:
                await connection.execute(
                    SQL["record_parsed"],
                    [record.target.document_id for record in live],
                    [record.target.generation for record in live],
                    [record.parsed_key for record in live],
                    [record.parsed_sha256 for record in live],
                    [record.parser for record in live],
                    [record.page_count for record in live],
                    [record.char_count for record in live],
                    [json.dumps([*map(asdict, record.warnings)]) for record in live],
                )
                await connection.execute(JOBS["advance_parsed"], list(held), lease)
                await ensure_kept(connection, {r.parsed_key for r in live}, text_is_there)
        return set(held)

    async def get(self, document_id: UUID, tenant_id: UUID) -> DocumentView | None:
        """One document of a tenant."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["get_document"], document_id, tenant_id)
        return _view(row) if row else None

    async def list_newest(
        self, tenant_id: UUID, *, before: tuple[datetime, UUID] | None = None, limit: int = 50
    ) -> list[DocumentView]:
        """A tenant's documents, newest first; ``before`` is (created_at, document_id)."""
        created_at, document_id = before or (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL["list_documents"], tenant_id, created_at, document_id, limit
            )
        return [_view(row) for row in rows]

    async def list_warned(
        self,
        tenant_id: UUID,
        *,
        code: WarningCode | None = None,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 50,
    ) -> list[DocumentView]:
        """A tenant's documents with a warning, or with one of this code, newest first."""
        created_at, document_id = before or (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL["list_warned_documents"], tenant_id, created_at, document_id, limit, code
            )
        return [_view(row) for row in rows]

    async def count_warned(self, tenant_id: UUID, *, since: datetime) -> int:
        """Count a tenant's documents with a warning that were published since then."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(SQL["count_warned"], tenant_id, since))

    async def delete(
        self, document_id: UUID, tenant_id: UUID, *, remove_blob: Callable[[str], Awaitable[None]]
    ) -> bool:
        """Remove a document with its jobs, its chunks and the blobs that no other one needs.

        Work in flight loses its lease, so it cannot bring anything back; a tombstone keeps
        backfills from it.

        Args:
            document_id: Which document.
            tenant_id: The tenant.
            remove_blob: Called with each key before the deletion is committed; when it raises,
                nothing is deleted and deleting again is safe.

        Returns:
            False when there was no such document.
        """
        async with self._database.transaction() as connection:
            name = await connection.fetchval(SQL["lock_for_deletion"], document_id, tenant_id)
            if name is None:
                return False
            jobs = await connection.fetch(JOBS["lock_document_jobs"], document_id)
            await forget_errors(connection, document_id)
            await cancel_jobs(
                connection, [row["job_id"] for row in jobs], reason="the document was deleted"
            )
            keys = await connection.fetchval(SQL["delete_document"], document_id, tenant_id)
            await leave_tombstone(connection, document_id, tenant_id, name=name)
            uploaded = {key for key in keys if identity.is_raw(key)}
            texts = set(keys) - uploaded
            for key in sorted(uploaded):
                if await remove_unused(connection, tenant_id, key, remove_blob):
                    content = identity.blob_digest(key)
                    parses = await connection.fetch(PARSES["forget_content"], tenant_id, content)
                    texts |= {row["parsed_key"] for row in parses if row["parsed_key"]}
            for key in sorted(texts):
                await remove_unused(connection, tenant_id, key, remove_blob)
        return True

    async def discard_text(
        self, record: ParsedRecord, *, remove_blob: Callable[[str], Awaitable[None]]
    ) -> None:
        """See the port."""
        target, key = record.target, record.parsed_key
        async with self._database.transaction() as connection:
            if not await connection.fetchval(
                SQL["generation_exists"], target.document_id, target.tenant_id, target.generation
            ):
                await remove_unused(connection, target.tenant_id, key, remove_blob)

    async def discard_blob(
        self, tenant_id: UUID, key: str, *, remove_blob: Callable[[str], Awaitable[None]]
    ) -> None:
        """Remove a blob of a tenant, if nothing has it."""
        async with self._database.transaction() as connection:
            await remove_unused(connection, tenant_id, key, remove_blob)


def _view(row: asyncpg.Record) -> DocumentView:
    return DocumentView(**{**row, "degraded": tuple(map(Degraded, row["degraded"]))})


def _replayed(row: asyncpg.Record, arrival: Arrival) -> Accepted:
    if row["file_sha256"] != arrival.file_sha256:
        raise Conflict("this idempotency key was used for other content")
    return _known(row)


def _known(row: asyncpg.Record) -> Accepted:
    return Accepted(row["document_id"], row["job_id"], row["generation"], created=False)
