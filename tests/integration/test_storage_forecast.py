"""What the planner says of storage is what PostgreSQL takes."""

from pydoc_data.topics import topics

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.splitters.structure import StructureSplitter
from ingest.app.pipeline.chunk import cut
from ingest.domain.capacity import Mix, storage
from ingest.domain.document import ParsedDocument
from ingest.domain.index_kind import IndexKind
from tests import builders
from tests.builders import MODEL

NAMED = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), pg_relation_size(indexrelid)
FROM pg_index WHERE indrelid = 'upload_pipeline.document_chunks'::regclass
"""


async def test_rows_and_indexes_are_as_large_as_was_said(database: Database) -> None:
    text = "\n\n".join(topics.values())  # half a megabyte of English that people wrote
    job = await builders.a_claimed_job(database)
    splitter = StructureSplitter(max_tokens=512, overlap_tokens=64)
    chunks = cut(
        ParsedDocument(text, (), (), "test/1"), job.document_id, splitter, filename="topics.txt"
    )
    await builders.publish(database, job, chunks)
    await IndexStore(database).rebuild(MODEL, IndexKind.HALFVEC)
    await builders.execute(database, "VACUUM FULL upload_pipeline.document_chunks")
    async with database.connection() as connection:
        sizes = {row[1]: row[2] for row in await connection.fetch(NAMED)}
        table = await connection.fetchval("SELECT pg_table_size('upload_pipeline.document_chunks')")
    hnsw = sum(size for text, size in sizes.items() if "hnsw" in text and MODEL.name in text)
    words = sum(size for text, size in sizes.items() if "USING gin" in text)
    rest = table + sum(size for text, size in sizes.items() if "USING btree" in text)
    tokens = sum(chunk.token_count for chunk in chunks)
    said = storage(len(chunks), Mix(len(chunks), tokens), dimension=MODEL.dimension, bits=False)

    assert 0.75 < said.rows / rest < 1.35
    assert 0.75 < said.vectors_index / hnsw < 1.35
    assert 0.6 < said.words_index / words < 1.5
