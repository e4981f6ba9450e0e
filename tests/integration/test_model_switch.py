"""Moving tenants to another model: nothing is missing at any moment, and nothing is paid twice."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.adapters.postgres.search.serving_store import ServingStore
from ingest.domain.attempt import Settlement
from ingest.domain.errors import BudgetExhausted, ProviderUnavailable, SpaceMoved
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import JobState
from tests import builders
from tests.builders import LARGE_MODEL, MODEL, some_chunks
from tests.integration.move_fixtures import (
    BACK,
    MINE,
    TEXTS,
    THERE,
    YOURS,
    SlowToCommit,
    a_document,
    a_mover,
    an_embedder,
    found,
)


async def documents(database: Database) -> dict[UUID, dict[str, int]]:
    return {s.tenant_id: s.documents for s in await ServingStore(database).list_all()}


async def test_all_documents_are_flipped_and_can_go_back_for_nothing(database: Database) -> None:
    job = await a_document(database)
    embedder = an_embedder()

    await a_mover(database, embedder).all(by_default=True)

    assert sorted(embedder.embedded) == sorted(TEXTS)
    assert await found(database, LARGE_MODEL) == sorted(TEXTS)
    assert await found(database, MODEL) == []
    assert await documents(database) == {ALL_TENANTS: {}, MINE: {LARGE_MODEL.label: 1}}
    chunks = await SearchStore(database, MODEL).list_chunks(job.document_id, MINE)
    assert [(c.text, c.embed_model) for c in chunks] == [(t, LARGE_MODEL.name) for t in TEXTS]

    home = an_embedder(MODEL)
    await a_mover(database, home, BACK).all(by_default=False)
    assert home.embedded == []
    assert await found(database, MODEL) == sorted(TEXTS)
    assert await found(database, LARGE_MODEL) == []


async def test_one_tenant_is_moved_and_the_others_stay(database: Database) -> None:
    await a_document(database, tenant_id=MINE)
    await a_document(database, tenant_id=YOURS)

    await a_mover(database, an_embedder()).tenant(YOURS)

    assert await found(database, MODEL, MINE) == sorted(TEXTS)
    assert await found(database, LARGE_MODEL, YOURS) == sorted(TEXTS)
    serving = ServingStore(database)
    assert await serving.served_in(MINE) is None
    assert await serving.served_in(YOURS) == LARGE_MODEL.label
    assert await serving.tenants(MODEL, by_default=True) == [MINE]


async def test_nobody_sees_vectors_before_the_flip(database: Database) -> None:
    await a_document(database)

    await a_mover(database, an_embedder()).embed_beside(MINE)

    assert await found(database, LARGE_MODEL) == []
    assert await found(database, MODEL) == sorted(TEXTS)
    chunks = await builders.fetch(database, "SELECT 1 FROM upload_pipeline.document_chunks")
    assert len(chunks) == 2 * len(TEXTS)


async def test_an_interrupted_move_goes_on_and_pays_for_the_rest_alone(database: Database) -> None:
    for number in range(3):
        await a_document(database, *(f"{text} {number}" for text in TEXTS))
    embedder = an_embedder()

    async def spend_the_rest() -> None:
        embedder.errors += [BudgetExhausted("no money")] * 9
        await asyncio.sleep(0.1)  # the others have failed before this one has its vectors

    embedder.meanwhile = spend_the_rest
    with pytest.raises(BudgetExhausted):
        await a_mover(database, embedder, items=3).tenant(MINE)
    assert await found(database, LARGE_MODEL) == []
    embedder.errors.clear()
    await a_mover(database, embedder, items=3).tenant(MINE)

    assert len(embedder.embedded) == len(set(embedder.embedded)) == 9
    assert len(await found(database, LARGE_MODEL)) == 9


async def test_a_provider_that_is_away_is_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.app.reembed.switch_model._AGAIN_SECONDS", 0.01)
    await a_document(database)
    embedder = an_embedder()
    embedder.errors += [ProviderUnavailable("502")] * 3

    await a_mover(database, embedder).tenant(MINE)

    assert await found(database, LARGE_MODEL) == sorted(TEXTS)


async def test_equal_texts_are_paid_once(database: Database) -> None:
    await a_document(database, "the same", "the same", "another")
    await a_document(database, "the same")
    embedder = an_embedder()

    await a_mover(database, embedder, items=1).tenant(MINE)

    assert sorted(embedder.embedded) == ["another", "the same"]
    assert await found(database, LARGE_MODEL) == ["another", "the same"]


async def test_what_the_model_refuses_is_left_out_and_said(database: Database) -> None:
    await a_document(database)
    embedder = an_embedder()
    embedder.refuses = {TEXTS[1]}
    mover = a_mover(database, embedder)

    await mover.tenant(MINE)

    assert list(mover.moved.refused.values()) == ["input_refused"]
    assert await found(database, LARGE_MODEL) == sorted({*TEXTS} - {TEXTS[1]})


async def test_an_upload_during_the_move_is_flipped_with_the_rest(database: Database) -> None:
    await a_document(database)
    embedder = an_embedder()
    embedder.meanwhile = partial(a_document, database, "it came late")
    await a_mover(database, embedder).tenant(MINE)

    assert await found(database, LARGE_MODEL) == sorted([*TEXTS, "it came late"])
    assert len(embedder.embedded) == 4


async def test_an_edit_during_the_move_leaves_nothing_old_and_buys_nothing_again(
    database: Database,
) -> None:
    await a_document(database, "kept", "dropped", name="note")
    embedder = an_embedder()
    mover = a_mover(database, embedder)
    await mover.embed_beside(MINE)

    arrival = builders.an_arrival(MINE, external_id="note")
    edit = await builders.a_claimed_job(database, arrival)
    chunks = some_chunks(edit, "kept", "added", shift=7)
    missing = await builders.plan(database, edit, chunks)
    assert [chunk.text for chunk in missing] == ["added"]
    await builders.store(database, edit, missing)
    await mover.tenant(MINE)

    assert await found(database, LARGE_MODEL) == ["added", "kept"]
    assert embedder.embedded == ["kept", "dropped", "added"]
    read = await SearchStore(database, MODEL).list_chunks(edit.document_id, MINE)
    assert [(c.text, c.char_start) for c in read] == [("kept", 7), ("added", 107)]


async def test_what_was_claimed_before_the_flip_is_published_in_the_new_space(
    database: Database,
) -> None:
    await a_document(database)
    job = await builders.a_claimed_job(database, builders.an_arrival(MINE))
    chunks = some_chunks(job, "on its way")
    assert job.served_in is None
    await builders.plan(database, job, chunks)
    await a_mover(database, an_embedder()).tenant(MINE)

    with pytest.raises(SpaceMoved) as moved:
        await builders.store(database, job, chunks)
    assert await JobStore(database).settle(job.lease, Settlement(JobState.QUEUED, moved.value))
    [again] = await builders.claim(database)
    assert again.served_in == LARGE_MODEL.label
    assert again.attempt == 1
    await builders.plan(database, again, chunks, model=LARGE_MODEL)
    await builders.store(database, again, chunks, model=LARGE_MODEL)

    assert await found(database, LARGE_MODEL) == sorted([*TEXTS, "on its way"])


async def test_a_flip_waits_for_what_is_being_published(database: Database) -> None:
    """The publisher asked which space serves, but has not committed: it must not be left behind."""
    await a_document(database)
    job = await builders.a_claimed_job(database, builders.an_arrival(MINE))
    chunks = some_chunks(job, "a moment before")
    await builders.plan(database, job, chunks)
    slow = SlowToCommit(database.url)
    publishing = asyncio.create_task(builders.store(slow, job, chunks))
    await slow.reached.wait()

    moving = asyncio.create_task(a_mover(database, an_embedder()).tenant(MINE))
    await builders.until_blocked(database)
    assert not moving.done()
    slow.goes_on.set()
    await asyncio.gather(publishing, moving)
    await slow.close()

    assert await found(database, LARGE_MODEL) == sorted([*TEXTS, "a moment before"])


async def test_nobody_waits_for_a_flip_whose_provider_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.app.reembed.switch_model._AGAIN_SECONDS", 0.01)
    await a_document(database)
    embedder = an_embedder()
    flips = ServingStore.flip
    is_first = True

    async def flip(store: ServingStore, *args: Any, **kwargs: Any) -> bool:
        nonlocal is_first
        if is_first:
            is_first = False
            await a_document(database, "it came last")
            embedder.errors += [ProviderUnavailable("502")] * 100_000
        return await flips(store, *args, **kwargs)

    monkeypatch.setattr(ServingStore, "flip", flip)
    moving = asyncio.create_task(a_mover(database, embedder).tenant(MINE))
    async with asyncio.timeout(10):
        await embedder.has_failed.wait()
        await a_document(database, "published meanwhile")
    assert not moving.done()
    embedder.errors.clear()
    await moving

    expected = [*TEXTS, "it came last", "published meanwhile"]
    assert await found(database, LARGE_MODEL) == sorted(expected)


async def test_tenants_that_come_later_begin_with_the_new_model(database: Database) -> None:
    await a_document(database, tenant_id=MINE)
    serving = ServingStore(database)

    async def arrive() -> None:
        await a_document(database, tenant_id=YOURS)

    embedder = an_embedder()
    embedder.meanwhile = arrive
    await a_mover(database, embedder).all(by_default=True)
    job = await builders.a_claimed_job(database, builders.an_arrival(UUID(int=3)))

    assert job.served_in == LARGE_MODEL.label
    assert await found(database, LARGE_MODEL, YOURS) == sorted(TEXTS)
    assert await serving.tenants(MODEL, by_default=True) == []


async def test_searches_find_everything_at_every_moment_of_a_move(database: Database) -> None:
    for number in range(20):
        await a_document(database, *(f"{text} {number}" for text in TEXTS))
    serving = ServingStore(database)
    spaces = {model.label: model for model in (MODEL, LARGE_MODEL)}
    seen: list[tuple[str, int]] = []

    async def look() -> None:
        """As the gateway does: ask who serves, search there, and ask again."""
        while True:
            before = await serving.served_in(MINE)
            texts = await found(database, spaces[before or MODEL.label])
            if await serving.served_in(MINE) == before:
                seen.append((before or "", len(texts)))

    looking = asyncio.create_task(look())
    for move in (THERE, BACK, THERE):
        await a_mover(database, an_embedder(move.target), move, items=8).tenant(MINE)
        await asyncio.sleep(0.1)
    looking.cancel()

    assert {count for _, count in seen} == {60}
    assert {MODEL.label, LARGE_MODEL.label} <= {label for label, _ in seen}
