"""Spaces that serve, and those that serve nobody any more."""

import numpy as np

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.serving_store import ServingStore
from tests import builders
from tests.builders import LARGE_MODEL, MODEL
from tests.integration.move_fixtures import (
    MINE,
    TEXTS,
    THERE,
    YOURS,
    a_document,
    a_mover,
    an_embedder,
    found,
)


async def test_vectors_of_a_space_that_serves_nobody_can_go(database: Database) -> None:
    await a_document(database)
    await a_mover(database, an_embedder()).all(by_default=True)
    serving = ServingStore(database)
    assert await serving.uses(LARGE_MODEL) == (2, 1)
    assert await serving.uses(MODEL) == (0, 0)

    assert await serving.delete(MODEL) == len(TEXTS)

    assert await found(database, LARGE_MODEL) == sorted(TEXTS)
    assert [serves.other for serves in await serving.list_all()] == [None, None]


async def test_documents_of_old_versions_need_their_space_and_are_moved_too(
    database: Database,
) -> None:
    await a_document(database)
    await builders.execute(
        database, "UPDATE upload_pipeline.documents SET embed_model = NULL, embed_version = NULL"
    )
    serving = ServingStore(database)
    assert await serving.uses(MODEL) == (0, 1)

    await a_mover(database, an_embedder()).tenant(MINE)

    assert await serving.uses(MODEL) == (0, 0)
    assert await found(database, LARGE_MODEL) == sorted(TEXTS)


async def test_an_estimate_counts_what_is_missing(database: Database) -> None:
    await a_document(database)
    serving = ServingStore(database)
    assert await serving.count_missing([MINE, YOURS], THERE) == (3, 6)

    await a_mover(database, an_embedder()).embed_beside(MINE)

    assert await serving.count_missing([MINE, YOURS], THERE) == (0, 0)


async def test_vectors_keep_their_numbers(database: Database) -> None:
    await a_document(database, "one text")
    await a_mover(database, an_embedder()).tenant(MINE)

    rows = await builders.fetch(
        database,
        "SELECT embedding FROM upload_pipeline.document_chunks WHERE embed_model = $1",
        LARGE_MODEL.name,
    )
    assert np.array_equal(
        rows[0]["embedding"].to_numpy(), builders.some_vectors(1, LARGE_MODEL, seed=1)[0]
    )
