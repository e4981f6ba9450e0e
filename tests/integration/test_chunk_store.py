"""Storing batches and publishing generations, with readers looking on."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.domain.chunk import Chunk
from ingest.domain.job import ClaimedJob, JobState
from ingest.domain.stage import Stage
from tests import builders
from tests.builders import numbered_chunks, some_chunks, some_vectors

ROWS = "SELECT * FROM upload_pipeline.document_chunks WHERE document_id = $1 ORDER BY chunk_ord"


async def rows_of(database: Database, document_id: UUID) -> list[dict[str, Any]]:
    return await builders.fetch(database, ROWS, document_id)


async def texts_of(database: Database, job: ClaimedJob) -> list[str]:
    chunks = await SearchStore(database, builders.MODEL).list_chunks(job.document_id, job.tenant_id)
    return [chunk.text for chunk in chunks]


async def next_generation(database: Database, job: ClaimedJob, external_id: str) -> ClaimedJob:
    return await builders.a_claimed_job(
        database, builders.an_arrival(job.tenant_id, external_id=external_id)
    )


async def published(database: Database, external_id: str, *texts: str) -> ClaimedJob:
    job = await builders.a_claimed_job(database, builders.an_arrival(external_id=external_id))
    await builders.publish(database, job, some_chunks(job, *texts))
    return job


async def test_store_publishes_with_the_last_chunk_and_finishes_the_job(
    database: Database,
) -> None:
    job = await builders.a_claimed_job(database)
    chunks = numbered_chunks(job, 5)
    await builders.plan(database, job, chunks)

    first = await builders.store(database, job, chunks[:3])
    between = await texts_of(database, job)
    last = await builders.store(database, job, chunks[3:])

    assert (first.published, first.stale) == (frozenset(), frozenset())
    assert between == []
    assert (last.published, last.stale) == (frozenset({job.lease.job_id}), frozenset())
    assert await texts_of(database, job) == [chunk.text for chunk in chunks]
    assert await builders.state_of(database, job.lease.job_id) == (Stage.EMBEDDED, JobState.DONE)
    document = await DocumentStore(database).get(job.document_id, job.tenant_id)
    assert document is not None
    assert (document.live_generation, document.chunk_count) == (1, 5)


async def test_every_field_and_number_of_a_chunk_is_stored(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    [chunk] = some_chunks(job, "ünï 🚢", shift=7)
    chunk = replace(chunk, page=None, heading_path=("A", 'B {},"c" \\'), token_count=3)
    vectors = some_vectors(1)

    await builders.publish(database, job, [chunk], vectors=vectors)

    [row] = await rows_of(database, job.document_id)
    assert np.array_equal(row["embedding"].to_numpy(), vectors[0])
    stored = {name: row[name] for name in ("chunk_id", "chunk_ord", "char_start", "char_end")}
    assert stored == {name: getattr(chunk, name) for name in stored}
    assert (row["page"], row["heading_path"]) == (None, list(chunk.heading_path))
    assert (row["text"], row["chunk_sha"]) == (chunk.text, chunk.text_sha256)
    assert (row["token_count"], row["chunker"]) == (3, builders.CHUNKER)
    assert (row["embed_model"], row["vector_dim"]) == (builders.MODEL.name, 256)


async def test_readers_see_all_chunks_of_one_generation_or_none(database: Database) -> None:
    old = [f"old {number}" for number in range(40)]
    fresh = [f"new {number}" for number in range(30)]
    job = await builders.a_claimed_job(database, builders.an_arrival(external_id="a"))
    listed: set[tuple[str, ...]] = set()
    found: set[frozenset[str]] = set()
    done = asyncio.Event()

    async def read() -> None:
        store = SearchStore(database, builders.MODEL)
        while not done.is_set():
            listed.add(tuple(await texts_of(database, job)))
            hits = await store.search(some_vectors(1)[0], job.tenant_id, limit=100)
            found.add(frozenset(hit.text for hit in hits))

    async def until_both_were_seen(texts: list[str]) -> None:
        while tuple(texts) not in listed or frozenset(texts) not in found:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    reader = asyncio.create_task(read())
    await publish_in_batches(database, job, some_chunks(job, *old))
    await until_both_were_seen(old)
    second = await next_generation(database, job, "a")
    await publish_in_batches(database, second, some_chunks(second, *fresh))
    await until_both_were_seen(fresh)
    done.set()
    await reader

    assert listed <= {(), tuple(old), tuple(fresh)}
    assert found <= {frozenset(), frozenset(old), frozenset(fresh)}


async def publish_in_batches(
    database: Database, job: ClaimedJob, chunks: Sequence[Chunk], *, size: int = 4
) -> None:
    missing = await builders.plan(database, job, chunks)
    for start in range(0, len(missing), size):
        await builders.store(database, job, missing[start : start + size])
    assert await texts_of(database, job) == [chunk.text for chunk in chunks]


async def test_an_unchanged_chunk_keeps_its_row_and_vector_over_generations(
    database: Database,
) -> None:
    first = await published(database, "a", "same", "old", "gone")
    before = await rows_of(database, first.document_id)

    second = await next_generation(database, first, "a")
    missing = await builders.plan(database, second, some_chunks(second, "same", "new"))
    await builders.store(database, second, missing, vectors=some_vectors(1, seed=2))

    after = await rows_of(database, first.document_id)
    assert [chunk.text for chunk in missing] == ["new"]
    assert [row["text"] for row in after] == ["same", "new"]
    assert after[0] == before[0]
    assert await texts_of(database, first) == ["same", "new"]


async def test_a_retained_chunk_moves_to_its_place_in_the_next_generation(
    database: Database,
) -> None:
    first = await published(database, "a", "same", "old")
    second = await next_generation(database, first, "a")
    chunks = some_chunks(second, "same", "new", shift=40)
    chunks = (replace(chunks[0], page=9, heading_path=("SwitchedTenant", "{x}")), chunks[1])

    missing = await builders.plan(database, second, chunks)
    unmoved = await rows_of(database, first.document_id)
    await builders.store(database, second, missing)

    [row, _] = await rows_of(database, first.document_id)
    assert (unmoved[0]["char_start"], row["char_start"], row["char_end"]) == (0, 40, 44)
    assert (row["page"], row["heading_path"]) == (9, ["SwitchedTenant", "{x}"])
    assert row["created_at"] == unmoved[0]["created_at"]


async def test_a_generation_without_changes_publishes_with_an_empty_batch(
    database: Database,
) -> None:
    first = await published(database, "a", "one", "two")
    second = await next_generation(database, first, "a")
    chunks = some_chunks(second, "one", "two")

    missing = await builders.plan(database, second, chunks)
    outcome = await builders.store(database, second, missing)

    assert (missing, outcome.published) == ((), frozenset({second.lease.job_id}))
    assert await texts_of(database, second) == ["one", "two"]


async def test_the_same_batch_twice_duplicates_nothing(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    chunks = numbered_chunks(job, 6)
    await builders.plan(database, job, chunks)

    for part in (chunks[:3], chunks[:3], chunks[2:5], chunks[:5]):
        assert not (await builders.store(database, job, part)).published
    outcome = await builders.store(database, job, chunks)

    assert outcome.published == {job.lease.job_id}
    assert len(await rows_of(database, job.document_id)) == 6


async def test_a_text_recorded_again_does_not_take_the_job_back(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    chunks = numbered_chunks(job, 2)
    await builders.plan(database, job, chunks)
    await builders.store(database, job, chunks[:1])

    held = await builders.record_parsed(database, job)

    assert held == {job.lease.job_id}
    assert await builders.state_of(database, job.lease.job_id) == (
        Stage.EMBEDDING,
        JobState.WORKING,
    )


async def test_a_plan_after_a_crash_asks_only_for_what_is_missing(database: Database) -> None:
    job = await builders.a_claimed_job(database, lease=builders.EXPIRED)
    chunks = numbered_chunks(job, 10)
    await builders.plan(database, job, chunks)
    await builders.store(database, job, chunks[2:6])
    await builders.lose_lease(database, job)
    [again] = await builders.claim(database)

    missing = await builders.plan(database, again, chunks)
    outcome = await builders.store(database, again, missing)

    assert [chunk.chunk_ord for chunk in missing] == [0, 1, 6, 7, 8, 9]
    assert outcome.published == {again.lease.job_id}
    assert await texts_of(database, again) == [chunk.text for chunk in chunks]


async def test_rows_of_an_attempt_that_was_cut_differently_are_removed(
    database: Database,
) -> None:
    job = await builders.a_claimed_job(database)
    await builders.plan(database, job, some_chunks(job, "one", "two", "three"))
    await builders.store(database, job, some_chunks(job, "one", "two"))
    await builders.lose_lease(database, job)
    [again] = await builders.claim(database)

    await builders.publish(database, again, some_chunks(again, "one", "2"))

    assert await texts_of(database, again) == ["one", "2"]
    assert len(await rows_of(database, job.document_id)) == 2
