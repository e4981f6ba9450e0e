"""Search goes through the index that the model's row names, and stays right while it is rebuilt."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from ingest.adapters.postgres import pool
from ingest.adapters.postgres.pool import Database, TenantDatabase, act_for
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.postgres.search.nearest import OVERFETCH, search_statement
from ingest.adapters.postgres.search.nearest import SQL as NEAREST
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.index_kind import IndexKind
from ingest.domain.search_recall import EF_SEARCH
from tests import builders
from tests.builders import LARGE_MODEL, MODEL, numbered_chunks, some_vectors
from tests.integration.gateway import a_database

LOUD, QUIET = UUID(int=1), UUID(int=2)
COUNT = {MODEL: 4_000, LARGE_MODEL: 4_000}
QUIET_COUNT = 12
LEAST_FOUND = {IndexKind.HALFVEC: 70, IndexKind.BIT: 35}
"""Of 100. Random vectors are the worst case for sign bits; a choice by chance finds 5."""
MODELS = pytest.mark.parametrize("model", [MODEL, LARGE_MODEL], ids=["256", "1536"])
KINDS = pytest.mark.parametrize("kind", list(IndexKind))


async def fill(url: str) -> None:
    """Two tenants in each vector space: thousands of chunks, and a dozen."""
    database = Database(url)
    for model, count in COUNT.items():
        await IndexStore(database).drop(model)
        for tenant_id, share in ((LOUD, count), (QUIET, QUIET_COUNT)):
            job = await builders.a_claimed_job(database, builders.an_arrival(tenant_id))
            await builders.publish(
                database,
                job,
                numbered_chunks(job, share),
                vectors=vectors_of(tenant_id, model),
                model=model,
            )
        await IndexStore(database).rebuild(model, IndexKind.HALFVEC)
    await builders.execute(database, "VACUUM ANALYZE upload_pipeline.document_chunks")
    await database.close()


def vectors_of(tenant_id: UUID, model: EmbeddingModel) -> Vectors:
    count = COUNT[model] if tenant_id == LOUD else QUIET_COUNT
    return some_vectors(count, model, seed=tenant_id.int)


@pytest.fixture(scope="module")
def filled_url(server_url: str, template_database: str) -> Iterator[str]:
    with a_database(server_url, template_database) as url:
        asyncio.run(fill(url))
        yield url


def by_index(database: Database, model: EmbeddingModel) -> SearchStore:
    """A store that uses the index however few vectors there are."""
    return SearchStore(database, model, exact_ms=0)


async def explain(
    database: Database, model: EmbeddingModel, kind: IndexKind, mode: str
) -> dict[str, Any]:
    parameters: list[Any] = [some_vectors(1, model)[0], LOUD, model.name, model.version, 10, None]
    if kind is IndexKind.BIT:
        parameters.append(10 * OVERFETCH)
    return await explain_statement(
        database, search_statement(kind, model.dimension), parameters, mode
    )


async def explain_statement(
    database: Database, statement: str, parameters: list[Any], mode: str, tenant: UUID = LOUD
) -> dict[str, Any]:
    act_for(tenant)
    async with TenantDatabase(database).transaction() as connection:
        await connection.execute(
            f"SET LOCAL hnsw.ef_search = {EF_SEARCH};"
            f"SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL plan_cache_mode = {mode}"
        )
        row = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
    return dict(json.loads(row)[0]["Plan"])


def indexes(plan: dict[str, Any]) -> set[str]:
    names = {plan["Index Name"]} if "Index Name" in plan else set()
    return names.union(*(indexes(child) for child in plan.get("Plans", [])))


def scanned(plan: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Each scan of a table: the table, and the index it goes through, if any."""
    here = [(plan["Relation Name"], plan.get("Index Name"))] if "Relation Name" in plan else []
    if plan["Node Type"] == "Bitmap Heap Scan":
        [below] = plan["Plans"]
        return [(plan["Relation Name"], below["Index Name"])]
    return [*here, *(one for child in plan.get("Plans", []) for one in scanned(child))]


async def named_index(database: Database, model: EmbeddingModel) -> tuple[str, str]:
    """The index that the model's row names, and how it is defined."""
    [row] = await builders.fetch(
        database,
        "SELECT m.index_name, i.indexdef FROM upload_pipeline.embedding_models AS m"
        " INNER JOIN pg_indexes AS i ON i.indexname = m.index_name"
        " WHERE m.embed_model = $1 AND m.embed_version = $2",
        model.name,
        model.version,
    )
    return row["index_name"], row["indexdef"]


@MODELS
@KINDS
@pytest.mark.parametrize("mode", ["force_custom_plan", "auto"])
async def test_search_uses_the_index_that_the_row_of_its_model_names(
    filled: Database, model: EmbeddingModel, kind: IndexKind, mode: str
) -> None:
    if await IndexStore(filled).kind(model) is not kind:
        await IndexStore(filled).rebuild(model, kind)

    plan = await explain(filled, model, kind, mode)

    name, definition = await named_index(filled, model)
    assert name in indexes(plan)
    assert f"embed_model = '{model.name}'" in definition
    wanted = "halfvec_cosine_ops" if kind is IndexKind.HALFVEC else "bit_hamming_ops"
    assert wanted in definition


@MODELS
@pytest.mark.parametrize("tenant", [LOUD, QUIET], ids=["large", "small"])
@pytest.mark.parametrize("documents", [False, True], ids=["all", "narrowed"])
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_exact_search_reads_the_chunks_of_a_tenants_documents_and_no_others(
    filled: Database, model: EmbeddingModel, tenant: UUID, documents: bool, mode: str
) -> None:
    parameters: list[Any] = [some_vectors(1, model)[0], tenant, model.name, model.version, 10]
    if documents:
        owned = "SELECT document_id AS id FROM upload_pipeline.documents WHERE tenant_id = $1"
        parameters.append([row["id"] for row in await builders.fetch(filled, owned, tenant)])
    statement = NEAREST["search_documents_exactly" if documents else "search_exactly"]

    plan = await explain_statement(filled, statement, parameters, mode, tenant)

    chunks = [index for table, index in scanned(plan) if table == "document_chunks"]
    assert chunks == ["idx_document_chunks_document"]
    assert not any("hnsw" in name for name in indexes(plan))


@MODELS
@KINDS
async def test_search_through_the_index_finds_what_exact_search_finds(
    filled: Database, model: EmbeddingModel, kind: IndexKind
) -> None:
    if await IndexStore(filled).kind(model) is not kind:
        await IndexStore(filled).rebuild(model, kind)
    vectors = vectors_of(LOUD, model)
    found = 0

    for row in range(0, 50, 5):
        query = vectors[row] + 0.5 * some_vectors(1, model, seed=row)[0]
        query = np.asarray(query / np.linalg.norm(query), dtype=np.float32)
        best = set(np.argsort(-(vectors @ query))[:10].tolist())
        hits = await by_index(filled, model).search(query, LOUD, limit=10)
        assert hits[0].chunk_ord == row
        assert [hit.score for hit in hits] == sorted((h.score for h in hits), reverse=True)
        found += len(best & {hit.chunk_ord for hit in hits})

    assert found >= LEAST_FOUND[kind]


@MODELS
@KINDS
async def test_a_tenant_with_few_chunks_among_thousands_still_gets_its_results(
    filled: Database, model: EmbeddingModel, kind: IndexKind
) -> None:
    if await IndexStore(filled).kind(model) is not kind:
        await IndexStore(filled).rebuild(model, kind)
    query = vectors_of(LOUD, model)[0]

    hits = await by_index(filled, model).search(query, QUIET, limit=10)

    exact = np.argsort(-(vectors_of(QUIET, model) @ query))[:10]
    assert [hit.chunk_ord for hit in hits] == exact.tolist()


async def test_searches_go_on_while_the_index_is_rebuilt(filled: Database) -> None:
    vectors = vectors_of(LOUD, MODEL)
    store = by_index(filled, MODEL)
    done = asyncio.Event()
    answers = 0

    async def search() -> None:
        nonlocal answers
        while not done.is_set():
            hits = await store.search(vectors[7], LOUD, limit=5)
            assert hits[0].chunk_ord == 7
            assert len(hits) == 5
            answers += 1

    searches = [asyncio.create_task(search()) for _ in range(2)]
    for kind in (IndexKind.BIT, IndexKind.HALFVEC, IndexKind.HALFVEC):
        await IndexStore(filled).rebuild(MODEL, kind)
        assert await IndexStore(filled).kind(MODEL) is kind
    done.set()
    await asyncio.gather(*searches)

    assert answers > 3
    left = await builders.fetch(
        filled, "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'idx_hnsw%' ORDER BY 1"
    )
    assert [row["indexname"] for row in left] == [
        "idx_hnsw_chunks_aml6_v1",
        "idx_hnsw_chunks_te3s_v1",
        "idx_hnsw_chunks_wll2s_v1",
    ]


async def test_search_is_exact_while_there_is_no_index(filled: Database) -> None:
    await IndexStore(filled).drop(MODEL)
    vectors = vectors_of(LOUD, MODEL)

    hits = await SearchStore(filled, MODEL).search(vectors[3], LOUD, limit=20)

    assert [hit.chunk_ord for hit in hits] == np.argsort(-(vectors @ vectors[3]))[:20].tolist()
    await IndexStore(filled).rebuild(MODEL, IndexKind.HALFVEC)


async def test_building_an_index_may_take_longer_than_any_other_command(
    filled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "COMMAND_SECONDS", 0.15)
    database = Database(filled_url)

    await IndexStore(database).rebuild(LARGE_MODEL, IndexKind.HALFVEC)

    assert await IndexStore(database).kind(LARGE_MODEL) is IndexKind.HALFVEC
    await database.close()
