"""Provider batches: those to submit, those to poll, and their results."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import asyncpg
from pgvector import Vector

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import end_call
from ingest.adapters.postgres.statements import load
from ingest.domain.batch_api import BatchStatus, Page, ProviderBatch, TextResult
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import IngestError
from ingest.domain.pricing import CallState, Charge
from ingest.domain.retention import BUFFERED_TEXTS, ENDED_BATCHES

SQL = load("provider_batches")
TEXTS = load("document_vector_buffer")
JOBS = load("upload_jobs")
LEDGER = load("provider_calls")
GRACE = timedelta(hours=2)
"""Time after the deadline, at which the cancellation of the batch was requested."""
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch as operators see it."""

    batch_id: UUID
    tenant_id: UUID
    embed_model: str
    status: BatchStatus
    texts: int
    tokens: int
    opened_at: datetime
    submitted_at: datetime | None
    deadline: datetime | None
    ended_at: datetime | None
    remote_id: str | None
    error_code: str | None
    error_message: str | None
    jobs_waiting: int
    reserved_usd: Decimal | None
    usd: Decimal | None
    """Charged; 0 while it is under way."""
    charged_tokens: int | None


@dataclass(frozen=True, slots=True)
class BatchCount:
    """Batches of one status."""

    status: BatchStatus
    batches: int
    texts: int
    tokens: int


class ProviderBatchStore:
    """Rows of ``provider_batches``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(
        self, *, quiet: timedelta, submission: timedelta, queue_tokens: int
    ) -> ProviderBatch | None:
        """One to submit within ``submission``, if any; nobody else gets it during this time.

        Args:
            quiet: A batch that took no text for so long takes no more.
            submission: How long the caller may take.
            queue_tokens: Most tokens of a model that may be at the provider at a time.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["take_batch"], quiet, submission, queue_tokens)
        return None if row is None else _batch(row)

    async def texts(self, batch_id: UUID) -> AsyncIterator[Page]:
        """What is in a batch, a thousand texts at a time, in the order of the digests."""
        after = b""
        while True:
            async with self._database.connection() as connection:
                rows = await connection.fetch(TEXTS["page_of_texts"], batch_id, after, _PAGE)
            if not rows:
                return
            yield [(row["text_sha256"], row["text"]) for row in rows]
            after = rows[-1]["text_sha256"]

    async def sending(self, batch: ProviderBatch, call_id: UUID, fingerprint: str) -> bool:
        """Note, before anything is sent, which call it is; False when it is another's by now."""
        async with self._database.connection() as connection:
            noted = await connection.fetchval(
                SQL["sending_batch"], batch.batch_id, batch.token, call_id, fingerprint
            )
        return noted is not None

    async def submitted(
        self,
        batch: ProviderBatch,
        call_id: UUID,
        fingerprint: str,
        remote_id: str,
        *,
        poll: timedelta,
        deadline: timedelta,
    ) -> None:
        """Note the provider's name for it; its reservation lasts past its deadline."""
        async with self._database.transaction() as connection:
            until = await connection.fetchval(
                SQL["submitted_batch"],
                batch.batch_id,
                batch.token,
                call_id,
                fingerprint,
                remote_id,
                poll,
                deadline,
            )
            if until is not None:
                await connection.execute(LEDGER["extend_call"], call_id, until + GRACE)

    async def put_back(
        self, batch: ProviderBatch, error: IngestError, *, delay: timedelta, uncertain: bool
    ) -> None:
        """It could not be submitted: again after ``delay``.

        ``uncertain``: the provider may have it nevertheless, by the call that was noted.
        """
        async with self._database.connection() as connection:
            await connection.execute(
                SQL["put_back_batch"],
                batch.batch_id,
                batch.token,
                error.code,
                error.message,
                delay,
                uncertain,
            )

    async def due(self, *, limit: int, poll: timedelta) -> list[ProviderBatch]:
        """Batches to ask for now; nobody else gets them until ``poll`` has passed."""
        async with self._database.connection() as connection:
            return [_batch(row) for row in await connection.fetch(SQL["due_batches"], limit, poll)]

    async def save(self, batch: ProviderBatch, results: Sequence[TextResult]) -> None:
        """Keep vectors and errors; saving again changes nothing."""
        ordered = sorted(results, key=lambda result: result.text_sha256)
        errors = [result.error for result in ordered]
        async with self._database.connection() as connection:
            await connection.execute(
                TEXTS["save_results"],
                batch.batch_id,
                [result.text_sha256 for result in ordered],
                [None if r.vector is None else Vector(r.vector) for r in ordered],
                [error is not None and not error.retryable for error in errors],
                [None if error is None else error.code for error in errors],
                [None if error is None else error.message for error in errors],
            )

    async def collected(
        self, batch: ProviderBatch, error: IngestError, state: CallState, charge: Charge
    ) -> None:
        """It is over: texts without a result have this error; its call ends with it."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lock_batches"], batch.tenant_id, batch.model.name)
            over = await connection.fetchval(
                SQL["collected_batch"],
                batch.batch_id,
                charge.error_code,
                None if charge.error_code is None else error.message,
            )
            if over is None:
                return
            await connection.execute(TEXTS["fail_texts"], batch.batch_id, error.code, error.message)
            await end_call(connection, batch.call_id, state, charge)

    async def again(self, batch: ProviderBatch, error: IngestError, *, delay: timedelta) -> None:
        """The provider did nothing, and will later: its call is released."""
        async with self._database.transaction() as connection:
            back = await connection.fetchval(
                SQL["again_batch"], batch.batch_id, error.code, error.message, delay
            )
            if back is not None:
                released = Charge(error_code=error.code)
                await end_call(connection, batch.call_id, CallState.RELEASED, released)

    async def wake(self, *, limit: int) -> int:
        """Return to the queue jobs whose batch is over; returns how many."""
        async with self._database.connection() as connection:
            woken = len(await connection.fetch(JOBS["wake_batched"], limit))
            if woken < limit:
                await connection.execute(SQL["end_batches"])
        return woken

    async def sweep(self, *, limit: int) -> int:
        """Remove texts and vectors that no job needs any more; returns how many.

        Batches themselves are remembered for a month.
        """
        async with self._database.connection() as connection:
            await connection.fetch(SQL["prune_batches"], limit, ENDED_BATCHES)
            return len(await connection.fetch(TEXTS["sweep_texts"], limit, BUFFERED_TEXTS))

    async def newest(self, tenant_id: UUID | None, *, limit: int) -> list[BatchView]:
        """The newest batches, of a tenant or of all."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["list_batches"], tenant_id, limit)
        return [BatchView(**{**row, "status": BatchStatus(row["status"])}) for row in rows]

    async def count(self, tenant_id: UUID | None = None) -> list[BatchCount]:
        """How many batches that are not over are how far, of a tenant or of all."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["count_batches"], tenant_id)
        return [BatchCount(**{**row, "status": BatchStatus(row["status"])}) for row in rows]


def _batch(row: asyncpg.Record) -> ProviderBatch:
    fields = dict(row)
    name, version = fields.pop("embed_model"), fields.pop("embed_version")
    return ProviderBatch(model=EmbeddingModel(name, version, fields.pop("vector_dim")), **fields)
