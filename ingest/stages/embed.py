"""From chunks to published vectors: embedding, embedded."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import structlog

from ingest.domain.attempt import DocumentChunks, StoredBatch
from ingest.domain.embedding import Vectors
from ingest.domain.errors import IngestError, StoreUnavailable, Unexpected
from ingest.domain.job import ClaimedJob
from ingest.domain.stage import Stage
from ingest.ports import Embedder, StoresChunks
from ingest.stages.measuring import UNMEASURED, Measures
from ingest.stages.settling import SettlesFailures

log = structlog.get_logger(module=__name__)
STORE_PAUSES = (0.5, 1.0, 2.0, 4.0, 5.0)
"""Seconds between tries to store a batch that is embedded already; then its attempts end."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Chunks of one or many documents that are embedded by one call."""

    jobs: tuple[ClaimedJob, ...]
    documents: tuple[DocumentChunks, ...]
    """One for each job, in the same order."""


class EmbedStage:
    """Embeds batches, makes them durable, and publishes the documents they complete."""

    def __init__(
        self,
        embedder: Embedder,
        chunks: StoresChunks,
        *,
        settler: SettlesFailures,
        lease: timedelta,
        measures: Measures = UNMEASURED,
    ) -> None:
        """Put the stage together; ``lease`` is a lease's length from each sign of progress on."""
        self._embedder = embedder
        self._chunks = chunks
        self._settler = settler
        self._lease = lease
        self._measures = measures

    async def run(self, batch: Batch) -> StoredBatch:
        """Embed and store a batch.

        When the batch is refused, its documents are embedded one by one, so that a document
        that cannot be embedded fails alone.
        """
        try:
            return await self._embed_and_store(batch)
        except IngestError as exc:
            if exc.retryable or len(batch.jobs) == 1:
                await self._fail(batch, exc)
                return StoredBatch(frozenset(), frozenset())
        except Exception as exc:
            log.exception("embed failed unexpectedly", jobs=len(batch.jobs))
            if len(batch.jobs) == 1:
                error = Unexpected(f"embedding failed unexpectedly ({type(exc).__name__})")
                await self._fail(batch, error)
                return StoredBatch(frozenset(), frozenset())
        return await self._run_each(batch)

    async def _run_each(self, batch: Batch) -> StoredBatch:
        outcomes = [
            await self.run(Batch((job,), (document,)))
            for job, document in zip(batch.jobs, batch.documents, strict=True)
        ]
        return StoredBatch(
            published=frozenset().union(*(outcome.published for outcome in outcomes)),
            stale=frozenset().union(*(outcome.stale for outcome in outcomes)),
        )

    async def _embed_and_store(self, batch: Batch) -> StoredBatch:
        started = time.monotonic()
        texts = [chunk.text for document in batch.documents for chunk in document.chunks]
        vectors: Vectors
        if texts:
            vectors = await self._embedder.embed(texts)
        else:
            vectors = np.empty((0, self._embedder.model.dimension), dtype=np.float32)
        stored = await self._store(batch.documents, vectors)
        self._measures.took(Stage.EMBEDDING, time.monotonic() - started)
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
            await self._settler.fail_job(job, error, stage="embedding")
