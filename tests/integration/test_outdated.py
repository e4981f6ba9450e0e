"""Documents that other settings made: found a page at a time, made again once, by tenant."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.app.backfill.register import Registered
from ingest.app.backfill.reprocess import Reprocessor
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.job import Cause, ClaimedJob, Lane
from ingest.domain.reprocess import Reprocessing
from tests import builders
from tests.builders import LARGE_MODEL, MODEL, numbered_chunks

MINE, YOURS = UUID(int=1), UUID(int=2)
AS_IT_IS = Reprocessing(MINE, MODEL, builders.CHUNKER, "test")
ANOTHER_CHUNKER = replace(AS_IT_IS, chunker="another")
ANOTHER_MODEL = replace(AS_IT_IS, model=LARGE_MODEL)


async def publish(
    database: Database, tenant_id: UUID = MINE, *, count: int = 1
) -> list[ClaimedJob]:
    jobs = [
        await builders.a_claimed_job(database, builders.an_arrival(tenant_id)) for _ in range(count)
    ]
    for job in jobs:
        await builders.publish(database, job, numbered_chunks(job, 2))
    return jobs


async def renew(
    database: Database, wanted: Reprocessing, *, limit: int | None = None
) -> Registered:
    renewer = Reprocessor(JobStore(database), wanted, limit=limit)
    await renewer.register()
    return renewer.registered


async def again(database: Database) -> list[ClaimedJob]:
    return await builders.claim(database, lane=Lane.BACKFILL, limit=20)


@pytest.mark.parametrize("wanted", [ANOTHER_CHUNKER, ANOTHER_MODEL], ids=["chunker", "model"])
async def test_what_other_settings_made_is_made_again_once(
    database: Database, wanted: Reprocessing
) -> None:
    jobs = await publish(database, count=3)

    first, second = await renew(database, wanted), await renew(database, wanted)

    assert (first.listed, first.created) == (3, 3)
    assert second.listed == 0, "they are on their way"
    made = await again(database)
    assert {job.document_id for job in made} == {job.document_id for job in jobs}
    assert {job.cause for job in made} == {Cause.UPGRADE}
    assert {job.generation for job in made} == {2}


async def test_texts_of_an_earlier_parser_are_read_again_and_others_stay(
    database: Database,
) -> None:
    [job] = await publish(database)
    newer, another = (replace(AS_IT_IS, reader=label) for label in ("test/2", "other/2"))

    same = await renew(database, replace(AS_IT_IS, reader="test/1"))
    others = await renew(database, another)
    found = await renew(database, newer)

    assert (same.listed, others.listed, found.created) == (0, 0, 1)
    [made] = await again(database)
    assert made.document_id == job.document_id
    assert made.parsed_key is None


async def test_what_is_as_it_should_be_stays(database: Database) -> None:
    await publish(database, count=2)

    assert (await renew(database, AS_IT_IS)).listed == 0


async def test_other_tenants_documents_stay(database: Database) -> None:
    await publish(database, YOURS)

    assert (await renew(database, ANOTHER_CHUNKER)).listed == 0


async def test_the_old_one_is_served_until_the_new_one_is_there(database: Database) -> None:
    [job] = await publish(database)
    await renew(database, ANOTHER_MODEL)

    assert await spaces(database, job) == {MODEL}
    [newer] = await again(database)
    chunks = numbered_chunks(newer, 2)
    await builders.publish(database, newer, chunks, model=LARGE_MODEL)

    assert await spaces(database, job) == {LARGE_MODEL}
    assert (await renew(database, ANOTHER_MODEL)).listed == 0, "it is not outdated any more"
    assert (await renew(database, AS_IT_IS)).listed == 1, "and could go back"


async def test_a_limit_bounds_it_and_the_next_run_goes_on(database: Database) -> None:
    await publish(database, count=5)

    found = [(await renew(database, ANOTHER_CHUNKER, limit=2)).created for _ in range(4)]

    assert found == [2, 2, 1, 0]


async def test_pages_miss_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.app.backfill.reprocess._PAGE", 2)
    await publish(database, count=5)

    assert (await renew(database, ANOTHER_CHUNKER)).created == 5


async def test_runs_at_once_make_each_document_once(database: Database) -> None:
    await publish(database, count=8)

    runs = await asyncio.gather(*(renew(database, ANOTHER_CHUNKER) for _ in range(4)))

    assert sum(run.created for run in runs) == 8
    assert len(await again(database)) == 8


async def spaces(database: Database, job: ClaimedJob) -> set[EmbeddingModel]:
    listed = await SearchStore(database, MODEL).list_chunks(job.document_id, job.tenant_id)
    known = {(model.name, model.version): model for model in (MODEL, LARGE_MODEL)}
    return {known[chunk.embed_model, chunk.embed_version] for chunk in listed}
