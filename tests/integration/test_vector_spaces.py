"""Vectors of different models never mix, and the database refuses what is not a vector."""

from collections.abc import Callable

import asyncpg
import numpy as np
import pytest

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.errors import ConfigurationError
from tests import builders
from tests.builders import LARGE_MODEL, MODEL, some_chunks, some_vectors


async def test_a_document_that_changes_its_model_is_listed_once(database: Database) -> None:
    first = await builders.a_claimed_job(database, builders.an_arrival(external_id="a"))
    await builders.publish(database, first, some_chunks(first, "same", "old"), model=LARGE_MODEL)
    newer = builders.an_arrival(first.tenant_id, external_id="a")
    job = await builders.a_claimed_job(database, newer)
    chunks = some_chunks(job, "same", "new")

    missing = await builders.plan(database, job, chunks)
    await builders.store(database, job, missing[:1])
    await builders.lose_lease(database, job)
    [again] = await builders.claim(database)
    rest = await builders.plan(database, again, chunks)
    await builders.store(database, again, rest)

    assert (len(missing), len(rest)) == (2, 1)
    listed = await SearchStore(database, MODEL).list_chunks(job.document_id, job.tenant_id)
    assert [chunk.text for chunk in listed] == ["same", "new"]
    assert {chunk.embed_model for chunk in listed} == {MODEL.name}


async def test_an_attempt_with_another_model_leaves_no_rows_behind(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    chunks = some_chunks(job, "one", "two")
    await builders.plan(database, job, chunks, model=LARGE_MODEL)
    await builders.store(database, job, chunks[:1], model=LARGE_MODEL)
    missing = await builders.plan(database, job, chunks)
    await builders.store(database, job, missing[:1])
    await builders.lose_lease(database, job)
    [again] = await builders.claim(database)

    await builders.publish(database, again, chunks)

    rows = await builders.fetch(
        database,
        "SELECT text, embed_model FROM upload_pipeline.document_chunks ORDER BY chunk_ord",
    )
    assert rows == [{"text": text, "embed_model": MODEL.name} for text in ("one", "two")]


async def test_search_finds_only_vectors_of_its_own_model(database: Database) -> None:
    tenant_id = builders.a_tenant()
    jobs = []
    for model in (MODEL, LARGE_MODEL):
        job = await builders.a_claimed_job(database, builders.an_arrival(tenant_id))
        await builders.publish(database, job, some_chunks(job, model.name), model=model)
        jobs.append(job)

    for model in (MODEL, LARGE_MODEL):
        hits = await SearchStore(database, model).search(
            some_vectors(1, model)[0], tenant_id, limit=10
        )
        assert [hit.text for hit in hits] == [model.name]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda vectors: np.full_like(vectors, np.nan),
        lambda vectors: np.full_like(vectors, np.inf),
        lambda vectors: np.zeros_like(vectors),
        lambda vectors: vectors[:, :-1],
        lambda vectors: np.hstack([vectors, vectors]),
    ],
    ids=["nan", "infinite", "zero", "short", "long"],
)
async def test_the_database_refuses_what_is_not_a_vector_of_the_model(
    database: Database, spoil: Callable[[Vectors], Vectors]
) -> None:
    job = await builders.a_claimed_job(database)
    chunks = some_chunks(job, "one")
    await builders.plan(database, job, chunks)

    with pytest.raises(asyncpg.PostgresError):
        await builders.store(database, job, chunks, vectors=spoil(some_vectors(1)))

    assert await builders.fetch(database, "SELECT 1 FROM upload_pipeline.document_chunks") == []
    assert (await builders.store(database, job, chunks)).published


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("vector_dim", "7"),
        ("embed_version", "'9'"),
        ("char_end", "char_start"),
        ("chunk_ord", "-1"),
        ("text", "''"),
        ("token_count", "0"),
        ("chunk_sha", "'\\x00'"),
        ("page", "0"),
        ("generation", "0"),
    ],
)
async def test_the_database_refuses_a_chunk_that_makes_no_sense(
    database: Database, column: str, value: str
) -> None:
    job = await builders.a_claimed_job(database)
    await builders.publish(database, job, some_chunks(job, "one"))

    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await builders.execute(
            database,
            f"UPDATE upload_pipeline.document_chunks SET {column} = {value}",
        )


async def test_a_model_that_the_database_does_not_know_is_refused(database: Database) -> None:
    for model in (EmbeddingModel("unheard-of", "1", 8), EmbeddingModel(MODEL.name, "1", 8)):
        with pytest.raises(ConfigurationError):
            await IndexStore(database).kind(model)
        with pytest.raises(ConfigurationError):
            await SearchStore(database, model).search(
                some_vectors(1, model)[0], builders.a_tenant(), limit=1
            )
