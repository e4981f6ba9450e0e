"""Loads the corpus of ``search_corpus`` as fast as the table takes it, then builds the indexes."""

import asyncio
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

from benchmarks.search_corpus import DOCUMENT_CHUNKS, Document, document
from ingest.adapters.embedders.wordllama import MODEL, WordllamaEmbedder
from ingest.adapters.postgres.documents.chunk_rows import COLUMNS, chunk_rows
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.postgres.search.term_store import TermStore
from ingest.domain.attempt import DocumentChunks, Target
from ingest.domain.index_kind import IndexKind
from ingest.domain.job import Lease

SCHEMA = "upload_pipeline"
_AT_ONCE = 2
"""Processes that write."""
_BATCH_DOCUMENTS = 50
_BUILD_SECONDS = 7200.0
_BUILD_BYTES = 3 << 30
"""Memory for building an index."""


async def load(database: Database, *, chunks: int) -> dict[str, float]:
    """Add documents until the table has this number of chunks; those that are there stay.

    Returns:
        Seconds for the rows, the HNSW index, the index of terms, and the statistics.
    """
    wanted = chunks // DOCUMENT_CHUNKS
    async with database.connection() as connection:
        there = await connection.fetchval(f"SELECT count(*) FROM {SCHEMA}.documents")  # noqa: S608
        if there >= wanted:
            return {}
        await connection.execute(f"DROP INDEX IF EXISTS {SCHEMA}.idx_document_chunks_terms")
    await IndexStore(database).drop(MODEL)
    began = time.monotonic()
    step = -(-(wanted - there) // (_AT_ONCE * 4))
    spans = [range(at, min(at + step, wanted)) for at in range(there, wanted, step)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_AT_ONCE, mp_context=context) as pool:
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            *(loop.run_in_executor(pool, copy_documents, database.url, span) for span in spans)
        )
    return {"rows_s": time.monotonic() - began, **await _index(database)}


async def _index(database: Database) -> dict[str, float]:
    began = time.monotonic()
    await IndexStore(database, build_bytes=_BUILD_BYTES).rebuild(MODEL, IndexKind.HALFVEC)
    vectors = time.monotonic()
    async with database.connection() as connection:
        await connection.execute(f"SET maintenance_work_mem = '{_BUILD_BYTES >> 21}MB'")
        await connection.execute(
            f"CREATE INDEX idx_document_chunks_terms ON {SCHEMA}.document_chunks USING gin (terms)",
            timeout=_BUILD_SECONDS,
        )
        await connection.execute("RESET maintenance_work_mem")
        terms = time.monotonic()
        for table in ("documents", "document_chunks"):
            await connection.execute(f"VACUUM ANALYZE {SCHEMA}.{table}", timeout=_BUILD_SECONDS)
    store = TermStore(database)
    for space in await store.to_measure():
        await store.measure(space)
    return {
        "hnsw_s": vectors - began,
        "gin_s": terms - vectors,
        "statistics_s": time.monotonic() - terms,
    }


def copy_documents(url: str, numbers: range) -> None:
    """Write these documents; the work of one process."""
    asyncio.run(_copy(url, numbers))


async def _copy(url: str, numbers: range) -> None:
    database, embedder = Database(url, pool_size=1), WordllamaEmbedder()
    try:
        for at in range(0, len(numbers), _BATCH_DOCUMENTS):
            batch = [document(number) for number in numbers[at : at + _BATCH_DOCUMENTS]]
            vectors = await embedder.embed([c.embedded_text for d in batch for c in d.chunks])
            rows = chunk_rows(
                [chunks_of(d) for d in batch], vectors, model=MODEL, chunker="benchmark"
            )
            async with database.transaction() as connection:
                await connection.copy_records_to_table(
                    "documents",
                    schema_name=SCHEMA,
                    records=[document_row(d) for d in batch],
                    columns=_DOCUMENT_COLUMNS,
                )
                await connection.copy_records_to_table(
                    "document_chunks", schema_name=SCHEMA, records=rows, columns=COLUMNS
                )
    finally:
        await database.close()


def chunks_of(whole: Document) -> DocumentChunks:
    """The chunks of a document as an attempt gives them to the store."""
    lease = Lease(whole.document_id, whole.document_id)
    target = Target(lease, whole.document_id, whole.tenant_id, 1)
    return DocumentChunks(target, whole.chunks)


_DOCUMENT_COLUMNS = (
    "document_id", "tenant_id", "name", "filename", "media_type", "bytes_len", "file_sha256",
    "raw_key", "live_generation", "chunk_count", "embed_model", "embed_version",
)  # fmt: skip


def document_row(whole: Document) -> tuple[object, ...]:
    """A published document, in the order of its columns."""
    return (
        whole.document_id, whole.tenant_id, whole.filename, whole.filename, "text/markdown", 1,
        "0" * 64, "none", 1, len(whole.chunks), MODEL.name, MODEL.version,
    )  # fmt: skip
