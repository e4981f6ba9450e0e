"""How attempts end: rescued, released, settled, cancelled, sent round again."""

import asyncio
import itertools
from datetime import timedelta
from uuid import uuid4

import pytest

from ingest.adapters.postgres.jobs.event_store import EventStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.attempt import Settlement
from ingest.domain.errors import (
    DocumentUnreadable,
    IngestError,
    ProviderUnavailable,
    RateLimited,
)
from ingest.domain.job import ClaimedJob, JobState
from tests import builders
from tests.builders import numbered_chunks


async def test_rescue_returns_to_the_last_durable_point_and_counts(database: Database) -> None:
    before_text = await builders.a_claimed_job(database)
    after_text = await builders.a_claimed_job(database)
    await builders.plan(database, after_text, numbered_chunks(after_text, 2))
    held = await builders.a_claimed_job(database)
    for job in (before_text, after_text):
        await builders.lose_lease(database, job)

    rows = await builders.fetch(
        database,
        "SELECT job_id, stage, state, rescue_count, attempt_count, lease_token"
        " FROM upload_pipeline.upload_jobs",
    )

    facts = {row.pop("job_id"): tuple(row.values()) for row in rows}
    assert facts == {
        before_text.lease.job_id: ("queued", "queued", 1, 0, None),
        after_text.lease.job_id: ("parsed", "queued", 1, 0, None),
        held.lease.job_id: ("queued", "working", 0, 0, held.lease.token),
    }
    again = {job.lease.job_id: job for job in await builders.claim(database, limit=9)}
    assert again[after_text.lease.job_id].parsed_key is not None
    assert again[after_text.lease.job_id].lease.token != after_text.lease.token


async def test_a_job_that_is_rescued_too_often_ends_in_the_dead_letter(
    database: Database,
) -> None:
    accepted = await builders.accept(database)
    store = JobStore(database)

    for _ in range(3):
        assert await builders.claim(database, lease=builders.EXPIRED)
        assert await store.rescue(max_rescues=3) == [accepted.job_id]

    assert (await builders.state_of(database, accepted.job_id))[1] is JobState.DEADLETTER
    [row] = await builders.fetch(database, "SELECT last_error FROM upload_pipeline.upload_jobs")
    assert row["last_error"]["code"] == "worker_lost"
    assert "3 times, limit 3" in row["last_error"]["message"]
    assert await builders.claim(database) == []


@pytest.mark.parametrize("died", [False, True])
async def test_release_gives_back_at_once_and_counts_only_a_death(
    database: Database, died: bool
) -> None:
    worker_id = uuid4()
    accepted = await builders.accept(database)
    await builders.claim(database, worker_id=worker_id)

    assert await JobStore(database).release(uuid4(), died=died, max_rescues=9) == []
    released = await JobStore(database).release(worker_id, died=died, max_rescues=9)
    assert released == [accepted.job_id]

    [row] = await builders.fetch(
        database, "SELECT state, rescue_count FROM upload_pipeline.upload_jobs"
    )
    assert row == {"state": "queued", "rescue_count": int(died)}


async def test_a_document_that_kills_every_stream_ends_in_the_dead_letter(
    database: Database,
) -> None:
    accepted = await builders.accept(database)
    worker_id = uuid4()
    deaths = 0

    while await builders.claim(database, worker_id=worker_id):
        await JobStore(database).release(worker_id, died=True, max_rescues=4)
        deaths += 1
        assert deaths < 20

    assert deaths == 4
    assert (await builders.state_of(database, accepted.job_id))[1] is JobState.DEADLETTER


@pytest.mark.parametrize(
    ("state", "error", "costs"),
    [
        (JobState.RETRYABLE, ProviderUnavailable("down"), True),
        (JobState.QUEUED, RateLimited("slow"), False),
        (JobState.DEADLETTER, DocumentUnreadable("a \x00 and a \ud800"), True),
    ],
)
async def test_settle_ends_an_attempt_with_its_error(
    database: Database, state: JobState, error: IngestError, costs: bool
) -> None:
    job = await builders.a_claimed_job(database)
    settlement = Settlement(state, error, delay=timedelta(hours=1), costs_attempt=costs)

    assert await JobStore(database).settle(job.lease, settlement)

    view = await JobStore(database).get(job.lease.job_id, job.tenant_id)
    assert view is not None
    assert (view.state, view.attempt_count, view.leased_by) == (state, int(costs), None)
    assert view.last_error is not None
    assert (view.last_error["class"], view.last_error["code"], view.last_error["stage"]) == (
        type(error).__name__,
        error.code,
        "queued",
    )
    assert await builders.claim(database) == []


async def dead_lettered(database: Database, external_id: str | None = None) -> ClaimedJob:
    job = await builders.a_claimed_job(database, builders.an_arrival(external_id=external_id))
    await JobStore(database).settle(
        job.lease, Settlement(JobState.DEADLETTER, DocumentUnreadable(), costs_attempt=True)
    )
    return job


async def test_a_replayed_job_starts_with_fresh_attempts(database: Database) -> None:
    job = await dead_lettered(database)
    store = JobStore(database)

    assert not await store.replay(job.lease.job_id, uuid4())
    assert await store.replay(job.lease.job_id, job.tenant_id)

    [again] = await builders.claim(database)
    assert (again.lease.job_id, again.attempt) == (job.lease.job_id, 1)


async def test_a_dead_job_stays_when_its_content_was_uploaded_again(database: Database) -> None:
    arrival = builders.an_arrival(content=b"again")
    job = await builders.a_claimed_job(database, arrival)
    await JobStore(database).settle(
        job.lease, Settlement(JobState.DEADLETTER, DocumentUnreadable())
    )
    await builders.accept(database, builders.an_arrival(arrival.tenant_id, b"again"))

    assert not await JobStore(database).replay(job.lease.job_id, job.tenant_id)


async def test_a_dead_job_stays_when_a_next_generation_comes_at_the_same_time(
    database: Database,
) -> None:
    job = await dead_lettered(database, external_id="a")
    newer = builders.an_arrival(job.tenant_id, external_id="a")

    async with database.transaction() as connection:
        await connection.execute(
            "UPDATE upload_pipeline.documents SET generation = 2 WHERE document_id = $1",
            newer.document_id,
        )
        replay = asyncio.create_task(JobStore(database).replay(job.lease.job_id, job.tenant_id))
        await builders.until_blocked(database)

    assert await replay is False
    assert (await builders.state_of(database, job.lease.job_id))[1] is JobState.DEADLETTER


async def test_a_cancelled_job_is_not_claimed_and_loses_its_lease(database: Database) -> None:
    queued = await builders.accept(database, arrival := builders.an_arrival())
    store = JobStore(database)

    assert not await store.cancel(queued.job_id, uuid4())
    assert await store.cancel(queued.job_id, arrival.tenant_id)
    assert not await store.cancel(queued.job_id, arrival.tenant_id)
    assert await builders.claim(database) == []

    job = await builders.a_claimed_job(database)
    assert await store.cancel(job.lease.job_id, job.tenant_id)
    assert await builders.record_parsed(database, job) == set()


async def test_a_job_waits_no_longer_than_its_deadline(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    await builders.execute(
        database,
        "UPDATE upload_pipeline.upload_jobs SET state = 'waiting', wait_reason = 'provider',"
        " wait_until = now() - interval '1 s' WHERE job_id = $1",
        job.lease.job_id,
    )

    await JobStore(database).rescue(max_rescues=3)

    view = await JobStore(database).get(job.lease.job_id, job.tenant_id)
    assert view is not None
    assert (view.state, view.wait_reason) == (JobState.DEADLETTER, None)
    assert view.last_error is not None
    assert view.last_error["code"] == "wait_expired"


async def test_events_tell_each_stage_once_in_order(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    await builders.plan(database, job, numbered_chunks(job, 1))
    await builders.lose_lease(database, job)
    [again] = await builders.claim(database)
    await builders.publish(database, again, numbered_chunks(job, 1))

    events = await EventStore(database).list_after(job.lease.job_id, job.tenant_id)

    forward = ["job_validated", "parsing", "parsed", "parse_validated"]
    rest = ["chunking", "chunks_buffered"]
    assert [(event.stage, event.state) for event in events] == [
        ("queued", "queued"),
        ("queued", "working"),
        *((stage, "working") for stage in forward + rest),
        ("parsed", "queued"),
        ("parsed", "working"),
        ("parse_validated", "working"),
        *((stage, "working") for stage in rest),
        ("embedding", "working"),
        ("embedded", "done"),
    ]
    assert all(
        (event.from_stage, event.from_state) == (previous.stage, previous.state)
        for previous, event in itertools.pairwise(events)
    )
    assert await EventStore(database).list_after(job.lease.job_id, uuid4()) == []
    assert (
        await EventStore(database).list_after(
            job.lease.job_id, job.tenant_id, after=events[3].event_id, limit=2
        )
        == events[4:6]
    )


async def test_an_event_carries_the_error_and_the_worker(database: Database) -> None:
    job = await dead_lettered(database)

    *_, event = await EventStore(database).list_after(job.lease.job_id, job.tenant_id)

    assert event.error is not None
    assert (event.error["code"], event.state) == ("document_unreadable", "deadletter")
    assert event.worker_id is not None


async def test_jobs_are_listed_newest_first_page_by_page(database: Database) -> None:
    tenant_id = builders.a_tenant()
    made = [
        (await builders.accept(database, builders.an_arrival(tenant_id))).job_id for _ in range(5)
    ]
    await builders.accept(database)
    store = JobStore(database)

    first = await store.list_newest(tenant_id, limit=3)
    last = first[-1]
    second = await store.list_newest(tenant_id, before=(last.created_at, last.job_id))

    assert [view.job_id for view in first + second] == made[::-1]
    assert await store.list_newest(tenant_id, state=JobState.DONE) == []
    assert {view.job_id for view in await store.get_many([*made, uuid4()], tenant_id)} == set(made)
    assert await store.get(made[0], uuid4()) is None
