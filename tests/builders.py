"""Short ways to tenants, accepted uploads, claimed jobs, and chunks with vectors."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.documents.reference_store import ReferenceStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.sources import Objects
from ingest.adapters.storage.blob_store import ObjectBlobStore
from ingest.app.intake.fetch_source import SourceFetcher
from ingest.app.intake.upload import Intake
from ingest.domain import identity
from ingest.domain.arrival import Accepted, Arrival
from ingest.domain.attempt import DocumentChunks, ParsedRecord, StoredBatch, Target
from ingest.domain.chunk import Chunk
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import ClaimedJob, JobState, Lane
from ingest.domain.stage import Stage

MODEL = EmbeddingModel("wordllama-l2-supercat", "1", 256)
LARGE_MODEL = EmbeddingModel("text-embedding-3-small", "1", 1536)
CHUNKER = "test/1"
LEASE = timedelta(minutes=5)
EXPIRED = timedelta(milliseconds=-1)
"""A lease that has run out when it begins; needs no waiting."""
TABLES = ("documents", "upload_jobs", "document_chunks", "events")


def a_tenant() -> UUID:
    return uuid4()


def an_arrival(
    tenant_id: UUID | None = None,
    content: bytes | None = None,
    *,
    external_id: str | None = None,
    idempotency_key: str | None = None,
    lane: Lane = Lane.INTERACTIVE,
) -> Arrival:
    """An upload with bytes of its own, unless told which."""
    tenant_id = tenant_id or a_tenant()
    content = content if content is not None else uuid4().bytes
    digest = identity.sha256_hex(content)
    name = (
        identity.content_name(digest)
        if external_id is None
        else identity.external_name(external_id)
    )
    return Arrival(
        document_id=identity.document_id(tenant_id, name),
        tenant_id=tenant_id,
        name=name,
        filename="note.txt",
        media_type="text/plain",
        bytes_len=max(1, len(content)),
        file_sha256=digest,
        raw_key=identity.raw_key(tenant_id, digest),
        job_id=uuid4(),
        correlation_id="test",
        lane=lane,
        idempotency_key=idempotency_key,
    )


async def there(_key: str) -> bool:
    return True


async def accept(database: Database, arrival: Arrival | None = None) -> Accepted:
    """Take in an upload whose bytes are stored."""
    return await DocumentStore(database).accept(arrival or an_arrival(), blob_is_there=there)


def a_fetcher(
    database: Database,
    blobs: ObjectBlobStore,
    *,
    endpoint: str | None = None,
    shared: Sequence[Path] = (),
    most: int = 1000,
) -> SourceFetcher:
    """Fetches what is elsewhere, at most so many bytes each."""
    return SourceFetcher(
        Objects(endpoint=endpoint, shared=shared),
        Intake(blobs, DocumentStore(database), max_bytes=most),
        ReferenceStore(database),
        lease=LEASE,
    )


async def claim(
    database: Database,
    *,
    limit: int = 1,
    after: UUID = ALL_TENANTS,
    worker_id: UUID | None = None,
    lease: timedelta = LEASE,
    lane: Lane = Lane.INTERACTIVE,
) -> list[ClaimedJob]:
    return await JobStore(database).claim(
        lane, after=after, limit=limit, worker_id=worker_id or uuid4(), lease=lease
    )


async def a_claimed_job(
    database: Database, arrival: Arrival | None = None, *, lease: timedelta = LEASE
) -> ClaimedJob:
    """A job that was just accepted and claimed; nothing else may be claimable."""
    accepted = await accept(database, arrival)
    [job] = await claim(database, lease=lease)
    assert job.lease.job_id == accepted.job_id
    return job


def a_record(job: ClaimedJob) -> ParsedRecord:
    digest = identity.sha256_hex(job.document_id.bytes)
    return ParsedRecord(
        target=Target.of(job),
        parsed_key=identity.parsed_key(job.tenant_id, digest),
        parsed_sha256=digest,
        parser="test/1",
        page_count=None,
        char_count=1000,
    )


def some_chunks(job: ClaimedJob, *texts: str, shift: int = 0) -> tuple[Chunk, ...]:
    """One chunk for each text; ``shift`` moves their places in the document's text."""
    return tuple(
        _chunk(job.document_id, position, text, shift) for position, text in enumerate(texts)
    )


def numbered_chunks(job: ClaimedJob, count: int) -> tuple[Chunk, ...]:
    return some_chunks(job, *(f"passage {number}" for number in range(count)))


def _chunk(document_id: UUID, position: int, text: str, shift: int) -> Chunk:
    digest = hashlib.sha256(text.encode()).digest()
    return Chunk(
        chunk_id=identity.chunk_id(document_id, CHUNKER, position, digest),
        chunk_ord=position,
        char_start=100 * position + shift,
        char_end=100 * position + shift + len(text),
        page=1,
        heading_path=("Overview",),
        token_count=max(1, len(text.split())),
        text=text,
        text_sha256=digest,
        filename="a.txt",
    )


def some_vectors(count: int, model: EmbeddingModel = MODEL, *, seed: int = 1) -> Vectors:
    """Random directions of length 1."""
    numbers = np.random.default_rng(seed).standard_normal((count, model.dimension))
    return np.asarray(numbers / np.linalg.norm(numbers, axis=1, keepdims=True), dtype=np.float32)


def chunk_store(database: Database, model: EmbeddingModel = MODEL) -> ChunkStore:
    return ChunkStore(database, model, chunker=CHUNKER)


def share(job: ClaimedJob, chunks: Sequence[Chunk]) -> DocumentChunks:
    return DocumentChunks(Target.of(job), tuple(chunks))


async def record_parsed(database: Database, *jobs: ClaimedJob) -> set[UUID]:
    return await DocumentStore(database).record_parsed(
        [a_record(job) for job in jobs], lease=LEASE, text_is_there=there
    )


async def plan(
    database: Database, job: ClaimedJob, chunks: Sequence[Chunk], *, model: EmbeddingModel = MODEL
) -> tuple[Chunk, ...]:
    """Record the text and plan; returns the chunks that still need a vector."""
    await record_parsed(database, job)
    [missing], lost = await chunk_store(database, model).plan([share(job, chunks)], lease=LEASE)
    assert not lost
    return missing.chunks


async def store(
    database: Database,
    job: ClaimedJob,
    chunks: Sequence[Chunk],
    *,
    vectors: Vectors | None = None,
    model: EmbeddingModel = MODEL,
) -> StoredBatch:
    vectors = some_vectors(len(chunks), model) if vectors is None else vectors
    return await chunk_store(database, model).store([share(job, chunks)], vectors, lease=LEASE)


async def publish(
    database: Database,
    job: ClaimedJob,
    chunks: Sequence[Chunk],
    *,
    vectors: Vectors | None = None,
    model: EmbeddingModel = MODEL,
) -> None:
    """Bring a claimed job to its end; ``vectors`` belong to all of the chunks."""
    everything = some_vectors(len(chunks), model) if vectors is None else vectors
    missing = await plan(database, job, chunks, model=model)
    rows = [chunk.chunk_ord for chunk in missing]
    stored = await store(database, job, missing, vectors=everything[rows], model=model)
    assert stored.published == {job.lease.job_id}


async def state_of(database: Database, job_id: UUID) -> tuple[Stage, JobState]:
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT stage, state FROM upload_pipeline.upload_jobs WHERE job_id = $1", job_id
        )
    return Stage(row["stage"]), JobState(row["state"])


async def fetch(database: Database, query: str, *parameters: Any) -> list[dict[str, Any]]:
    async with database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query, *parameters)]


async def execute(database: Database, query: str, *parameters: Any) -> None:
    async with database.connection() as connection:
        await connection.execute(query, *parameters)


async def snapshot(database: Database) -> dict[str, list[Any]]:
    """Every row of the pipeline's tables, system columns included: a rewritten row shows."""
    rows: dict[str, list[Any]] = {}
    async with database.connection() as connection:
        for table in TABLES:
            query = f"SELECT to_jsonb(t) AS content, ctid, xmin FROM upload_pipeline.{table} AS t"
            found = await connection.fetch(query)
            rows[table] = sorted(
                (json.dumps(row["content"], sort_keys=True), str(row["ctid"]), str(row["xmin"]))
                for row in found
            )
    return rows


async def lose_lease(database: Database, job: ClaimedJob) -> None:
    """Let a job's lease run out at this moment, and rescue it."""
    await execute(
        database,
        "UPDATE upload_pipeline.upload_jobs SET leased_until = now() - interval '1 s'"
        " WHERE job_id = $1",
        job.lease.job_id,
    )
    assert job.lease.job_id in await JobStore(database).rescue(max_rescues=10)


async def until_blocked(database: Database, *, sessions: int = 1) -> None:
    """Return once so many sessions of this database wait for a lock."""
    async with asyncio.timeout(10):
        while True:
            [row] = await fetch(
                database,
                "SELECT count(*) AS n FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            if row["n"] >= sessions:
                return
