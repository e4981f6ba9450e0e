"""The text that was embedded can be had again from the database, and nothing is paid twice."""

import hashlib

from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.splitters.structure import StructureSplitter
from ingest.app.backfill.reprocess import Reprocessor
from ingest.app.pipeline.chunk import cut
from ingest.domain.chunk import Chunk
from ingest.domain.document import Heading, ParsedDocument
from ingest.domain.embedded_text import embedded_text
from ingest.domain.job import ClaimedJob, Lane
from ingest.domain.reprocess import Reprocessing
from ingest.settings import Settings
from ingest.wiring.chunking import make_splitter, splitter_label
from tests import builders
from tests.builders import LEASE, MODEL, some_vectors
from tests.integration.move_fixtures import BACK, MINE, a_mover, an_embedder

SPLITTER = StructureSplitter(max_tokens=64, overlap_tokens=8)
OLD_CHUNKER = "structure/1:512+64"
ROWS = "\n".join(f"| Route {n} | {n}.50 |" for n in range(60))
TEXT = f"# Tariff\n\n| Route | Fare |\n|---|---|\n{ROWS}\n\nFees ........ 12 crowns."
PARSED = ParsedDocument(TEXT, (), (Heading(0, 1, "Tariff"),), "test/1")


def chunks_of(job: ClaimedJob, *, filename: str = "ferry_2026.md") -> tuple[Chunk, ...]:
    return tuple(cut(PARSED, job.document_id, SPLITTER, filename=filename))


async def store(
    database: Database,
    job: ClaimedJob,
    chunks: tuple[Chunk, ...],
    *,
    chunker: str = SPLITTER.label,
) -> None:
    await builders.record_parsed(database, job)
    stores = ChunkStore(database, MODEL, chunker=chunker)
    [missing], _ = await stores.plan([builders.share(job, chunks)], lease=LEASE)
    stored = await stores.store([missing], some_vectors(len(missing.chunks)), lease=LEASE)
    assert stored.published == {job.lease.job_id}


async def assert_every_text_can_be_had_again(database: Database, *, spaces: int = 1) -> None:
    rows = await builders.fetch(
        database,
        "SELECT context, text, chunk_sha, embed_model FROM upload_pipeline.document_chunks",
    )
    assert len({row["embed_model"] for row in rows}) == spaces
    for row in rows:
        again = embedded_text(row["context"], row["text"])
        assert hashlib.sha256(again.encode()).digest() == row["chunk_sha"]


async def test_every_row_keeps_the_plain_text_and_what_was_embedded(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    chunks = chunks_of(job)

    await store(database, job, chunks)

    await assert_every_text_can_be_had_again(database)
    rows = await builders.fetch(
        database,
        "SELECT context, text, char_start, char_end FROM upload_pipeline.document_chunks"
        " ORDER BY chunk_ord",
    )
    assert [row["context"] for row in rows[:2]] == [
        "ferry 2026\nTariff",
        "ferry 2026\nTariff\nRoute Fare",
    ]
    assert [r["text"] for r in rows] == [TEXT[r["char_start"] : r["char_end"]] for r in rows]


async def test_a_move_sends_the_same_texts_and_keeps_them(database: Database) -> None:
    old = await builders.a_claimed_job(database, builders.an_arrival(MINE))
    await builders.publish(database, old, builders.some_chunks(old, "| as it is |"))
    job = await builders.a_claimed_job(database, builders.an_arrival(MINE))
    chunks = chunks_of(job)
    await store(database, job, chunks)
    embedder = an_embedder()

    await a_mover(database, embedder).tenant(MINE)

    sent = {chunk.embedded_text for chunk in chunks} | {"| as it is |"}
    assert set(embedder.embedded) == sent
    assert len(embedder.embedded) == len(sent), "nothing is paid twice"
    await assert_every_text_can_be_had_again(database, spaces=2)
    back = an_embedder(MODEL)
    await a_mover(database, back, BACK).tenant(MINE)
    assert back.embedded == []
    await assert_every_text_can_be_had_again(database, spaces=2)


async def test_chunks_that_differ_in_marks_alone_get_the_new_text_for_nothing(
    database: Database,
) -> None:
    first = await builders.a_claimed_job(database, builders.an_arrival(MINE, external_id="tariff"))
    await store(database, first, chunks_of(first))
    next_one = await builders.a_claimed_job(
        database, builders.an_arrival(MINE, content=b"edited", external_id="tariff")
    )
    edited = ParsedDocument(TEXT.replace("........", "________"), (), PARSED.headings, "test/1")
    chunks = tuple(cut(edited, next_one.document_id, SPLITTER, filename="ferry_2026.md"))
    stores = ChunkStore(database, MODEL, chunker=SPLITTER.label)
    known = await stores.embedded_before(MINE, [chunk.text_sha256 for chunk in chunks])
    assert known.keys() == {chunk.text_sha256 for chunk in chunks}

    await store(database, next_one, chunks)

    rows = await builders.fetch(
        database, "SELECT text FROM upload_pipeline.document_chunks ORDER BY chunk_ord"
    )
    assert [row["text"] for row in rows] == [chunk.text for chunk in chunks]
    assert "________" in rows[-1]["text"]
    await assert_every_text_can_be_had_again(database)


async def test_documents_of_the_old_splitter_are_outdated(database: Database) -> None:
    settings = Settings()
    job = await builders.a_claimed_job(database, builders.an_arrival(MINE))
    await store(database, job, builders.some_chunks(job, TEXT), chunker=OLD_CHUNKER)
    wanted = Reprocessing(MINE, MODEL, splitter_label(settings), "test")

    assert await outdated(database, wanted) == 1

    [again] = await builders.claim(database, lane=Lane.BACKFILL)
    splitter = make_splitter(settings)
    chunks = tuple(cut(PARSED, again.document_id, splitter, filename=again.filename))
    await store(database, again, chunks, chunker=splitter.label)
    rows = await builders.fetch(
        database, "SELECT context, chunker FROM upload_pipeline.document_chunks"
    )
    assert {row["chunker"] for row in rows} == {"structure/3:cl100k:512+64"}
    assert all(row["context"] for row in rows)
    assert await outdated(database, wanted) == 0


async def outdated(database: Database, wanted: Reprocessing) -> int:
    reprocessor = Reprocessor(JobStore(database), wanted, limit=None)
    await reprocessor.register()
    return reprocessor.registered.listed
