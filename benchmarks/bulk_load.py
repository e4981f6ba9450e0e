"""Chunks and vectors through the ledger into a table without an index, which is built then."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from ingest.adapters.embedders.wordllama import MODEL
from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.domain import identity
from ingest.domain.arrival import Arrival
from ingest.domain.attempt import DocumentChunks, ParsedRecord, Target
from ingest.domain.chunk import Chunk
from ingest.domain.embedding import Vectors
from ingest.domain.identity import ALL_TENANTS, LOCAL_TENANT
from ingest.domain.index_kind import IndexKind
from ingest.domain.job import ClaimedJob, Lane

_LEASE = timedelta(minutes=30)
_CHUNKS = 500
"""Of a document, and of a batch."""
AT_ONCE = 2
"""Connections that write."""
_CHUNKER = "benchmark"


async def load_then_index(database: Database, texts: Sequence[str], vectors: Vectors) -> float:
    """Rows a second, from chunks with vectors to published documents and a finished index.

    Every document has a job under a lease, as in the stream; that they are there is not counted.
    """
    index, store = IndexStore(database), ChunkStore(database, MODEL, chunker=_CHUNKER)
    await index.drop(MODEL)
    count = len(vectors)
    spans = [range(at, min(at + _CHUNKS, count)) for at in range(0, count, _CHUNKS)]
    jobs = [await _claimed(database, number) for number in range(len(spans))]
    documents = [
        DocumentChunks(
            Target.of(job), tuple(_chunk(job, at, texts[i]) for at, i in enumerate(span))
        )
        for job, span in zip(jobs, spans, strict=True)
    ]
    room = asyncio.Semaphore(AT_ONCE)

    async def put(document: DocumentChunks, rows: Vectors) -> None:
        async with room:
            await store.plan([document], lease=_LEASE)
            await store.store([document], rows, lease=_LEASE)

    began = time.monotonic()
    await asyncio.gather(
        *(put(d, vectors[span.start : span.stop]) for d, span in zip(documents, spans, strict=True))
    )
    await index.rebuild(MODEL, IndexKind.HALFVEC)
    return count / (time.monotonic() - began)


async def _claimed(database: Database, number: int) -> ClaimedJob:
    digest = identity.sha256_hex(f"document {number}".encode())
    name = identity.content_name(digest)
    documents = DocumentStore(database)
    arrival = Arrival(
        document_id=identity.document_id(LOCAL_TENANT, name),
        tenant_id=LOCAL_TENANT,
        name=name,
        filename=f"{number}.txt",
        media_type="text/plain",
        bytes_len=1,
        file_sha256=digest,
        raw_key=identity.raw_key(LOCAL_TENANT, digest),
        job_id=uuid4(),
        correlation_id="benchmark",
    )
    await documents.accept(arrival, blob_is_there=_there)
    [job] = await JobStore(database).claim(
        Lane.INTERACTIVE, after=ALL_TENANTS, limit=1, worker_id=uuid4(), lease=_LEASE
    )
    record = ParsedRecord(
        target=Target.of(job),
        parsed_key=identity.parsed_key(LOCAL_TENANT, digest),
        parsed_sha256=digest,
        parser="benchmark",
        page_count=None,
        char_count=1,
    )
    await documents.record_parsed([record], lease=_LEASE, text_is_there=_there)
    return job


async def _there(_key: str) -> bool:
    return True


def _chunk(job: ClaimedJob, at: int, text: str) -> Chunk:
    digest = hashlib.sha256(text.encode()).digest()
    return Chunk(
        chunk_id=identity.chunk_id(job.document_id, _CHUNKER, at, digest),
        chunk_ord=at,
        char_start=0,
        char_end=len(text),
        page=None,
        heading_path=(),
        token_count=1,
        text=text,
        text_sha256=digest,
        filename="a.txt",
    )
