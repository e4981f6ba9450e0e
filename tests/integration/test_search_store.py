"""What search finds: the right chunks, in the right order, of the right tenant."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.index_kind import IndexKind
from ingest.domain.job import ClaimedJob
from tests import builders
from tests.builders import LARGE_MODEL, MODEL, numbered_chunks, some_chunks, some_vectors

KINDS = list(IndexKind)


def axis(model: EmbeddingModel = MODEL) -> Vectors:
    [vector] = some_vectors(1, model, seed=0)
    return np.asarray(vector)


def fan(count: int, model: EmbeddingModel = MODEL) -> Vectors:
    """Vectors that lie ever farther from the axis, each in a direction of its own."""
    similarity = np.linspace(0.98, 0.2, count, dtype=np.float32)[:, None]
    away = some_vectors(count, model, seed=1)
    away -= (away @ axis(model))[:, None] * axis(model)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return np.asarray(similarity * axis(model) + np.sqrt(1 - similarity**2) * away)


async def a_published_fan(
    database: Database, count: int, *, model: EmbeddingModel = MODEL, seed: int = 1
) -> tuple[ClaimedJob, Vectors]:
    """A document whose chunks are in a random order of nearness."""
    job = await builders.a_claimed_job(database)
    vectors = np.random.default_rng(seed).permutation(fan(count, model))
    await builders.publish(database, job, numbered_chunks(job, count), vectors=vectors, model=model)
    return job, vectors


@pytest.mark.parametrize("model", [MODEL, LARGE_MODEL], ids=["256", "1536"])
@pytest.mark.parametrize("kind", KINDS)
async def test_search_ranks_as_exact_arithmetic_does(
    database: Database, model: EmbeddingModel, kind: IndexKind
) -> None:
    job, vectors = await a_published_fan(database, 40, model=model)
    if kind is IndexKind.BIT:
        await IndexStore(database).rebuild(model, kind)
    scores = vectors @ axis(model)
    expected = np.argsort(-scores)[:15]

    hits = await SearchStore(database, model).search(axis(model), job.tenant_id, limit=15)

    assert [hit.chunk_ord for hit in hits] == expected.tolist()
    assert [hit.score for hit in hits] == pytest.approx(scores[expected].tolist(), abs=2e-3)


async def test_a_hit_says_where_its_text_is(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    [chunk] = some_chunks(job, "the text", shift=5)
    await builders.publish(database, job, [chunk])

    [hit] = await SearchStore(database, MODEL).search(some_vectors(1)[0], job.tenant_id, limit=5)

    assert astuple(hit)[:11] == (
        chunk.chunk_id,
        job.document_id,
        chunk.chunk_ord,
        chunk.char_start,
        chunk.char_end,
        chunk.page,
        chunk.heading_path,
        None,
        chunk.text,
        job.filename,
        (),
    )
    assert hit.score == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
async def test_search_sees_one_tenant_and_only_what_is_published(
    database: Database, kind: IndexKind
) -> None:
    await IndexStore(database).rebuild(MODEL, kind)
    mine, _ = await a_published_fan(database, 5)
    other, _ = await a_published_fan(database, 5)
    unfinished = await builders.a_claimed_job(database, builders.an_arrival(mine.tenant_id))
    chunks = numbered_chunks(unfinished, 5)
    await builders.plan(database, unfinished, chunks)
    await builders.store(database, unfinished, chunks[:4], vectors=fan(4))
    store = SearchStore(database, MODEL)

    hits = await store.search(axis(), mine.tenant_id, limit=50)

    assert {hit.document_id for hit in hits} == {mine.document_id}
    assert len(hits) == 5
    assert await store.search(axis(), builders.a_tenant(), limit=50) == []
    theirs = await store.search(axis(), mine.tenant_id, limit=50, document_ids=[other.document_id])
    assert theirs == []
    assert await store.list_chunks(other.document_id, mine.tenant_id) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_search_can_be_narrowed_to_documents(database: Database, kind: IndexKind) -> None:
    await IndexStore(database).rebuild(MODEL, kind)
    tenant_id = builders.a_tenant()
    documents = []
    for _ in range(3):
        job = await builders.a_claimed_job(database, builders.an_arrival(tenant_id))
        await builders.publish(database, job, numbered_chunks(job, 4), vectors=fan(4))
        documents.append(job.document_id)
    store = SearchStore(database, MODEL)

    for wanted in ([], documents[:1], documents[1:]):
        hits = await store.search(axis(), tenant_id, limit=50, document_ids=wanted)
        found = [one for hit in hits for one in (hit.document_id, *hit.also_in)]
        assert sorted(found) == sorted(4 * wanted)


async def test_an_old_generation_is_found_until_the_next_is_published(
    database: Database,
) -> None:
    first = await builders.a_claimed_job(database, builders.an_arrival(external_id="a"))
    await builders.publish(database, first, some_chunks(first, "same", "old"), vectors=fan(2))
    job = await builders.a_claimed_job(
        database, builders.an_arrival(first.tenant_id, external_id="a")
    )
    chunks = some_chunks(job, "same", "new", "newer")
    missing = await builders.plan(database, job, chunks)
    await builders.store(database, job, missing[:1], vectors=fan(3)[1:2])
    store = SearchStore(database, MODEL)

    before = await store.search(axis(), job.tenant_id, limit=9)
    await builders.store(database, job, missing[1:], vectors=fan(3)[2:])
    after = await store.search(axis(), job.tenant_id, limit=9)

    assert [hit.text for hit in before] == ["same", "old"]
    assert {hit.text for hit in after} == {"same", "new", "newer"}


async def test_hits_and_chunks_say_what_is_embedded_before_the_text(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    [made] = some_chunks(job, "| 14 | 2.50 |")
    chunk = replace(made, context="tariff\nRoute Fare")
    await builders.publish(database, job, [chunk])
    store = SearchStore(database, MODEL)

    [hit] = await store.search(some_vectors(1)[0], job.tenant_id, limit=5)
    [listed] = await store.list_chunks(job.document_id, job.tenant_id)

    assert hit.context == listed.context == "tariff\nRoute Fare"
    assert hit.text == listed.text == "| 14 | 2.50 |"


async def test_chunks_are_listed_in_order_from_a_position(database: Database) -> None:
    job, _ = await a_published_fan(database, 9)
    store = SearchStore(database, MODEL)

    part = await store.list_chunks(job.document_id, job.tenant_id, from_ord=3, limit=4)

    assert [chunk.chunk_ord for chunk in part] == [3, 4, 5, 6]
    assert part[0].text == "passage 3"
    assert part[0].heading_path == ("Overview",)
