"""The published version of a document serves until its next one is published, come what may."""

import pytest

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.dead_letter_store import DeadLetterStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.domain.attempt import Settlement
from ingest.domain.dead_letter import DeadLetterQuery
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.job import ClaimedJob, JobState
from tests import builders
from tests.builders import numbered_chunks, some_chunks, some_vectors

OLD = ("The ferry leaves at seven.", "The last one at nine.")
NEW = ("The ferry leaves at eight.", "The last one at nine.", "None on Sundays.")


async def published(database: Database) -> ClaimedJob:
    """A document whose first generation is what readers see."""
    job = await builders.a_claimed_job(database, builders.an_arrival(external_id="timetable"))
    await builders.publish(database, job, some_chunks(job, *OLD))
    return job


async def changed(database: Database, first: ClaimedJob) -> ClaimedJob:
    """The job of its next generation."""
    arrival = builders.an_arrival(first.tenant_id, external_id="timetable")
    job = await builders.a_claimed_job(database, arrival)
    assert (job.document_id, job.generation) == (first.document_id, 2)
    return job


async def visible(database: Database, job: ClaimedJob) -> list[str]:
    rows = await SearchStore(database, builders.MODEL).list_chunks(
        job.document_id, job.tenant_id, from_ord=0, limit=99
    )
    return [row.text for row in rows]


async def die(database: Database, job: ClaimedJob) -> None:
    settlement = Settlement(JobState.DEADLETTER, DocumentUnreadable("torn"), costs_attempt=True)
    assert await JobStore(database).settle(job.lease, settlement)


@pytest.mark.parametrize("stored", [None, 0, 1])
async def test_the_old_version_serves_when_the_next_one_dies(
    database: Database, stored: int | None
) -> None:
    first = await published(database)
    second = await changed(database, first)
    if stored is not None:
        missing = await builders.plan(database, second, some_chunks(second, *NEW))
        await builders.store(database, second, missing[:stored])

    await die(database, second)

    assert await visible(database, first) == list(OLD)
    document = await DocumentStore(database).get(first.document_id, first.tenant_id)
    assert document is not None
    assert (document.live_generation, document.generation) == (1, 2)


async def test_the_next_version_is_published_by_a_replay(database: Database) -> None:
    first = await published(database)
    second = await changed(database, first)
    await builders.plan(database, second, some_chunks(second, *NEW))
    await die(database, second)

    done = await DeadLetterStore(database).replay(
        first.tenant_id, DeadLetterQuery(), limit=9, apart=builders.LEASE
    )
    [again] = await builders.claim(database)
    while_under_way = await visible(database, first)
    await builders.publish(
        database, again, some_chunks(again, *NEW), vectors=some_vectors(len(NEW))
    )

    assert done.jobs == 1
    assert while_under_way == list(OLD)
    assert await visible(database, first) == list(NEW)


async def test_discarding_the_next_version_keeps_the_old_one(database: Database) -> None:
    first = await published(database)
    second = await changed(database, first)
    await die(database, second)

    await DeadLetterStore(database).discard(first.tenant_id, DeadLetterQuery(), limit=9)
    third = await builders.a_claimed_job(
        database, builders.an_arrival(first.tenant_id, external_id="timetable")
    )

    assert await visible(database, first) == list(OLD)
    await builders.publish(database, third, numbered_chunks(third, 2))
    assert len(await visible(database, first)) == 2


async def test_a_cancelled_next_version_keeps_the_old_one_and_cannot_be_published(
    database: Database,
) -> None:
    first = await published(database)
    second = await changed(database, first)
    missing = await builders.plan(database, second, some_chunks(second, *NEW))

    await JobStore(database).cancel(second.lease.job_id, second.tenant_id)
    late = await builders.store(database, second, missing)

    assert late.stale == {second.lease.job_id}
    assert await visible(database, first) == list(OLD)
