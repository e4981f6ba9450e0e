"""From texts to batches of chunks: chunking, chunks_buffered."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import structlog

from ingest.app.pipeline.messages import Batch, ParsedJob, SpaceKey
from ingest.app.pipeline.metrics import UNMEASURED, Measures
from ingest.app.queue.end_attempt import FailedAttempts
from ingest.domain.attempt import DocumentChunks, Target
from ingest.domain.batch_api import Deferred
from ingest.domain.batching import pack, spread
from ingest.domain.chunk import Chunk
from ingest.domain.cutting import chunks_of
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import (
    DocumentEmpty,
    IngestError,
    SpaceMoved,
    StoreUnavailable,
    Unexpected,
)
from ingest.domain.job import ClaimedJob, Lane
from ingest.domain.stage import Stage
from ingest.ports import BlobStore, Splitter, StoresChunks

log = structlog.get_logger(module=__name__)
_UNKNOWN_SPACE = timedelta(seconds=30)
"""Before a job comes again whose space these settings do not name: other settings may name it."""
Defer = Callable[[Sequence[DocumentChunks]], Awaitable[Deferred]]
LEAST_ITEMS = 128
"""Chunks below which a batch is not split further to keep more embedders busy."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How chunks are packed for the embedder."""

    items: int
    """Most chunks in a batch."""
    tokens: int
    """Most tokens in a batch."""
    ways: int
    """Batches that can be worked on at the same time."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What cutting a group of documents led to."""

    batches: tuple[Batch, ...] = ()
    most: int = 0
    """Batches there would be, were none of the documents' chunks stored yet."""


@dataclass(frozen=True, slots=True)
class SpaceStores:
    """Where chunks are stored: one store for each vector space."""

    own: StoresChunks
    """Of the settings' space."""
    fallback: StoresChunks
    """Of what is embedded locally because its provider is away."""
    others: Mapping[str, StoresChunks] = field(default_factory=dict)
    """Of spaces that serve some tenants, by their labels."""

    def of(self, job: ClaimedJob) -> StoresChunks:
        """Where the chunks of a job's document belong.

        Raises:
            SpaceMoved: the settings do not name the tenant's space.
        """
        if job.embeds_by_fallback:
            return self.fallback
        if job.served_in is None:
            return self.own
        if job.served_in not in self.others:
            raise SpaceMoved(
                f"the tenant is served by {job.served_in}, which the settings do not name",
                retry_after=_UNKNOWN_SPACE,
            )
        return self.others[job.served_in]


class ChunkStage:
    """Cuts documents and packs their chunks into batches that cross document borders."""

    def __init__(
        self,
        splitter: Splitter,
        blobs: BlobStore,
        stores: SpaceStores,
        *,
        defer: Mapping[str | None, Defer] | None = None,
        failed_attempts: FailedAttempts,
        lease: timedelta,
        limits: BatchLimits,
        measures: Measures = UNMEASURED,
    ) -> None:
        """Begin.

        Args:
            splitter: Cuts texts.
            blobs: Where texts are.
            stores: Where chunks are stored.
            defer: In the lane batch, puts texts into provider batches, by the label of their space;
                None for the settings' space. Spaces that cost nothing have none.
            failed_attempts: Ends failed attempts.
            lease: Length of a lease from each sign of progress on.
            limits: How chunks are packed.
            measures: Is told how long cutting took.
        """
        self._splitter = splitter
        self._blobs = blobs
        self._stores = stores
        self._defer = defer or {}
        self._failed_attempts = failed_attempts
        self._lease = lease
        self._limits = limits
        self._measures = measures

    async def run(self, parsed_jobs: Sequence[ParsedJob]) -> Packed:
        """Cut documents, note what is still to be embedded, and pack that.

        Failed documents are settled and left out; so are those whose lease was lost. A document
        whose chunks are all stored already is in a batch with no chunks, to be published.
        """
        cut_documents: list[DocumentChunks] = []
        jobs: dict[Target, ClaimedJob] = {}
        for parsed_job in parsed_jobs:
            chunks = await self._cut(parsed_job)
            if chunks:
                target = Target.of(parsed_job.job)
                jobs[target] = parsed_job.job
                cut_documents.append(DocumentChunks(target, tuple(chunks)))
        if not cut_documents:
            return Packed()
        try:
            missing = await self._plan([(jobs[d.target], d) for d in cut_documents])
        except StoreUnavailable as exc:
            for job in jobs.values():
                await self._failed_attempts.fail_job(job, exc, stage=Stage.CHUNKING)
            return Packed()
        most = self._pack([(jobs[d.target], d) for d in cut_documents])
        return Packed(tuple(self._pack([(jobs[d.target], d) for d in missing])), most=len(most))

    async def _plan(
        self, documents: Sequence[tuple[ClaimedJob, DocumentChunks]]
    ) -> list[DocumentChunks]:
        missing: list[DocumentChunks] = []
        for own in _by_space(documents).values():
            store = self._stores.of(own[0][0])
            planned, _ = await store.plan([d for _, d in own], lease=self._lease)
            missing += await self._deferred(own, planned)
        return missing

    async def _deferred(
        self, own: Sequence[tuple[ClaimedJob, DocumentChunks]], planned: list[DocumentChunks]
    ) -> list[DocumentChunks]:
        """What need not wait for a provider batch, of documents of one space."""
        job = own[0][0]
        defer = None if job.embeds_by_fallback else self._defer.get(job.served_in)
        if job.lane is not Lane.BATCH or defer is None:
            return planned
        deferred = await defer([document for document in planned if document.chunks])
        jobs = {job.lease.job_id: job for job, _ in own}
        for document, error in deferred.failed:
            await self._failed_attempts.fail_job(
                jobs[document.target.lease.job_id], error, stage=Stage.EMBEDDING
            )
        return deferred.ready + [document for document in planned if not document.chunks]

    def _pack(self, documents: Sequence[tuple[ClaimedJob, DocumentChunks]]) -> list[Batch]:
        return [
            batch
            for own in _by_space(documents).values()
            for batch in batches_of(own, self._limits)
        ]

    async def _cut(self, parsed_job: ParsedJob) -> list[Chunk]:
        job = parsed_job.job
        try:
            self._stores.of(job)  # refused before any work is done for it
            started = time.monotonic()
            parsed = parsed_job.parsed
            if parsed is None:
                parsed = ParsedDocument.from_bytes(await self._blobs.get(parsed_job.parsed_key))
            chunks = await asyncio.to_thread(
                cut, parsed, job.document_id, self._splitter, filename=job.filename
            )
            self._measures.took(Stage.CHUNKING, time.monotonic() - started)
            return chunks
        except IngestError as exc:
            await self._failed_attempts.fail_job(job, exc, stage=Stage.CHUNKING)
        except Exception as exc:
            log.exception("chunking failed unexpectedly", job_id=job.lease.job_id)
            error = Unexpected(f"chunking failed unexpectedly ({type(exc).__name__})")
            await self._failed_attempts.fail_job(job, error, stage=Stage.CHUNKING)
        return []


def _by_space(
    documents: Sequence[tuple[ClaimedJob, DocumentChunks]],
) -> dict[SpaceKey, list[tuple[ClaimedJob, DocumentChunks]]]:
    """Documents that may share a batch."""
    groups: dict[SpaceKey, list[tuple[ClaimedJob, DocumentChunks]]] = {}
    for job, document in documents:
        groups.setdefault(SpaceKey.of(job), []).append((job, document))
    return groups


def cut(
    parsed: ParsedDocument, document_id: UUID, splitter: Splitter, *, filename: str
) -> list[Chunk]:
    """All chunks of a document, in order.

    Raises:
        DocumentEmpty: there is nothing to cut.
        TooManyTokens: the chunks have more tokens than the limit.
    """
    chunks = chunks_of(
        parsed,
        splitter.split(parsed),
        document_id=document_id,
        filename=filename,
        chunker=splitter.label,
        count=splitter.count,
        limit_tokens=splitter.limit_tokens,
        max_tokens=splitter.max_document_tokens,
    )
    if not chunks:
        raise DocumentEmpty("there is no text in the document")
    return chunks


def batches_of(
    documents: Sequence[tuple[ClaimedJob, DocumentChunks]], limits: BatchLimits
) -> list[Batch]:
    """Pack the chunks of documents in order; documents without any share the first batch."""
    empty = [(job, document) for job, document in documents if not document.chunks]
    flat = [(job, document, chunk) for job, document in documents for chunk in document.chunks]
    most = spread(len(flat), ways=limits.ways, most=limits.items, least=LEAST_ITEMS)
    ranges = pack(
        [chunk.token_count for _, _, chunk in flat], max_items=most, max_tokens=limits.tokens
    )
    shares: list[list[tuple[ClaimedJob, DocumentChunks]]] = []
    for span in ranges:
        share = []
        for _, group in groupby((flat[i] for i in span), key=itemgetter(1)):
            entries = list(group)
            job, document, _ = entries[0]
            share.append((job, DocumentChunks(document.target, tuple(c for _, _, c in entries))))
        shares.append(share)
    if empty:
        shares[:1] = [empty + (shares[0] if shares else [])]
    return [
        Batch(jobs=tuple(job for job, _ in share), documents=tuple(d for _, d in share))
        for share in shares
    ]
