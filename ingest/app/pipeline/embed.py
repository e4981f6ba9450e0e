"""From chunks to published vectors: embedding, embedded."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from ingest.app.pipeline.batch_vectors import BatchVectors
from ingest.app.pipeline.messages import Batch
from ingest.app.pipeline.metrics import UNMEASURED, Measures
from ingest.app.queue.end_attempt import FailedAttempts
from ingest.domain.attempt import DocumentChunks, StoredBatch
from ingest.domain.embedding import Vectors
from ingest.domain.errors import (
    IngestError,
    InputRefused,
    InvalidVector,
    LeaseLost,
    StoreUnavailable,
    Unexpected,
)
from ingest.domain.stage import Stage
from ingest.ports import StoresChunks

log = structlog.get_logger(module=__name__)
STORE_PAUSES = (0.5, 1.0, 2.0, 4.0, 5.0)
"""Seconds between tries to store a batch that is embedded already; then its attempts end."""


NOTHING = StoredBatch(frozenset(), frozenset())


class EmbedStage:
    """Embeds batches, makes them durable, and publishes the documents they complete."""

    def __init__(
        self,
        vectors: BatchVectors,
        chunks: StoresChunks,
        *,
        failed_attempts: FailedAttempts,
        lease: timedelta,
        measures: Measures = UNMEASURED,
    ) -> None:
        """Begin; ``lease`` is a lease's length from each sign of progress on."""
        self._vectors = vectors
        self._chunks = chunks
        self._failed_attempts = failed_attempts
        self._lease = lease
        self._measures = measures

    async def run(self, batch: Batch, *, after_loss: bool = False) -> StoredBatch:
        """Embed and store a batch.

        A batch whose content is refused is halved until the culprit is alone; that chunk is left
        out and the rest of its document goes on without it. Nothing is paid for documents whose
        lease is lost when it would be.

        Args:
            batch: Chunks that have no vector yet.
            after_loss: A lease of it was lost before; work only on what is still held.
        """
        try:
            lost = await self._lost(batch) if after_loss else frozenset()
            batch = batch.without(lost)
            if not batch.jobs:
                return StoredBatch(frozenset(), lost)
            stored = await self._embed_and_store(batch)
            return StoredBatch(stored.published, stored.stale | lost)
        except LeaseLost:
            return await self.run(batch, after_loss=True)
        except (InputRefused, InvalidVector) as exc:
            return await self._divide(batch, exc)
        except IngestError as exc:
            await self._fail(batch, exc)
        except Exception as exc:
            log.exception("embed failed unexpectedly", jobs=len(batch.jobs))
            if len(batch.jobs) > 1:
                return await self._run_all([batch.of(index) for index in range(len(batch.jobs))])
            await self._fail(
                batch, Unexpected(f"embedding failed unexpectedly ({type(exc).__name__})")
            )
        return NOTHING

    async def _lost(self, batch: Batch) -> frozenset[UUID]:
        """The jobs that others hold by now."""
        held = await self._chunks.held([document.target for document in batch.documents])
        return frozenset(job.lease.job_id for job in batch.jobs) - held

    async def _divide(self, batch: Batch, refusal: InputRefused | InvalidVector) -> StoredBatch:
        size = len(batch.chunks)
        if size == 1:
            return await self._leave_out(batch, refusal)
        named = refusal.index if isinstance(refusal, InputRefused) else None
        if named is not None and 0 <= named < size:
            cuts = [batch.part(0, named), batch.part(named, named + 1), batch.part(named + 1, size)]
        else:
            cuts = [batch.part(0, size // 2), batch.part(size // 2, size)]
        return await self._run_all([cut for cut in cuts if cut.jobs])

    async def _leave_out(self, batch: Batch, refusal: IngestError) -> StoredBatch:
        job, document = next(
            pair for pair in zip(batch.jobs, batch.documents, strict=True) if pair[1].chunks
        )
        chunk = document.chunks[0]
        log.warning(
            "chunk left out",
            document_id=job.document_id,
            job_id=job.lease.job_id,
            chunk_ord=chunk.chunk_ord,
            code=refusal.code,
        )
        try:
            return await self._chunks.leave_out(document.target, chunk, refusal, lease=self._lease)
        except IngestError as exc:
            await self._failed_attempts.fail_job(job, exc, stage=Stage.EMBEDDING)
            return NOTHING

    async def _run_all(self, batches: Sequence[Batch]) -> StoredBatch:
        outcomes = [await self.run(batch) for batch in batches]
        return StoredBatch(
            published=frozenset().union(*(outcome.published for outcome in outcomes)),
            stale=frozenset().union(*(outcome.stale for outcome in outcomes)),
        )

    async def _embed_and_store(self, batch: Batch) -> StoredBatch:
        started = time.monotonic()
        vectors = await self._vectors.of(batch)
        stored = await self._store(batch.documents, vectors)
        self._measures.took(Stage.EMBEDDING, time.monotonic() - started)
        if stored.stale:
            jobs = sorted(map(str, stored.stale))
            log.warning("leases lost, their vectors are not stored", jobs=jobs)
        kept = [d for d in batch.documents if d.target.lease.job_id not in stored.stale]
        self._measures.stored(
            chunks=sum(len(d.chunks) for d in kept),
            tokens=sum(chunk.token_count for d in kept for chunk in d.chunks),
            documents=len(stored.published),
        )
        return stored

    async def _store(self, documents: Sequence[DocumentChunks], vectors: Vectors) -> StoredBatch:
        for pause in STORE_PAUSES:
            try:
                return await self._chunks.store(documents, vectors, lease=self._lease)
            except StoreUnavailable as exc:
                log.warning("batch not stored", documents=len(documents), code=exc.code)
                await asyncio.sleep(pause)
        return await self._chunks.store(documents, vectors, lease=self._lease)

    async def _fail(self, batch: Batch, error: IngestError) -> None:
        for job in batch.jobs:
            await self._failed_attempts.fail_job(job, error, stage=Stage.EMBEDDING)
