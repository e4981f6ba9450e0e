"""The dead letter of a tenant: narrowed, replayed without a rush, discarded; nothing forgotten."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ingest.adapters.postgres.jobs.dead_letter_store import DeadLetterStore
from ingest.adapters.postgres.jobs.event_store import EventStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.attempt import Settlement
from ingest.domain.dead_letter import DeadLetterQuery
from ingest.domain.errors import (
    DocumentEncrypted,
    DocumentUnreadable,
    IngestError,
    ProviderUnavailable,
)
from ingest.domain.job import JobState
from tests import builders

SECOND = timedelta(seconds=1)
ALL = DeadLetterQuery()


async def bury(
    database: Database,
    tenant_id: UUID,
    error: IngestError | None = None,
    *,
    external_id: str | None = None,
    content: bytes | None = None,
    age: timedelta = timedelta(),
) -> UUID:
    """A job of a tenant that failed for good so long ago."""
    arrival = builders.an_arrival(tenant_id, content, external_id=external_id)
    job = await builders.a_claimed_job(database, arrival)
    error = error or DocumentUnreadable("torn")
    await JobStore(database).settle(job.lease, Settlement(JobState.DEADLETTER, error))
    await builders.execute(
        database,
        "UPDATE upload_pipeline.upload_jobs SET finished_at = finished_at - $2::interval"
        " WHERE job_id = $1",
        job.lease.job_id,
        age,
    )
    return job.lease.job_id


async def replay(
    database: Database, tenant_id: UUID, wanted: DeadLetterQuery = ALL, **options: Any
) -> tuple[int, int, int]:
    given: dict[str, Any] = {"limit": 100, "apart": SECOND} | options
    done = await DeadLetterStore(database).replay(tenant_id, wanted, **given)
    return done.jobs, done.left, done.superseded


async def states(database: Database, *job_ids: UUID) -> list[JobState]:
    return [(await builders.state_of(database, job_id))[1] for job_id in job_ids]


@pytest.mark.parametrize(("wanted", "found"), [
    (ALL, {"torn", "locked", "away"}),
    (DeadLetterQuery(code="document_encrypted"), {"locked"}),
    (DeadLetterQuery(error_class="DocumentRejected"), {"torn", "locked"}),
    (DeadLetterQuery(error_class="TransientError"), {"away"}),
    (DeadLetterQuery(older_than=timedelta(hours=2)), {"locked", "away"}),
    (DeadLetterQuery(newer_than=timedelta(hours=2)), {"torn"}),
    (DeadLetterQuery(older_than=timedelta(hours=2), newer_than=timedelta(hours=20)), {"locked"}),
    (DeadLetterQuery(text="PASSWORD"), {"locked"}),
    (DeadLetterQuery(text="Note.TXT"), {"torn", "locked", "away"}),
    (DeadLetterQuery(text="100%_"), set()),
    (DeadLetterQuery(code="document_encrypted", text="torn"), set()),
])  # fmt: skip
async def test_the_filter_means_jobs_that_meet_all_of_it(
    database: Database, wanted: DeadLetterQuery, found: set[str]
) -> None:
    tenant_id = builders.a_tenant()
    names = {
        await bury(database, tenant_id, DocumentUnreadable("torn")): "torn",
        await bury(
            database, tenant_id, DocumentEncrypted("needs a password"), age=timedelta(hours=10)
        ): "locked",
        await bury(
            database, tenant_id, ProviderUnavailable("it is away"), age=timedelta(days=1)
        ): "away",
    }
    await bury(database, builders.a_tenant())
    store = DeadLetterStore(database)

    listed = await store.list_latest(tenant_id, wanted)
    would = await store.replay(tenant_id, wanted, limit=9, apart=SECOND, dry_run=True)

    assert {names[view.job_id] for view in listed} == found
    assert would.jobs == len(found)
    assert await states(database, *names) == [JobState.DEADLETTER] * 3


async def test_the_dead_letter_is_listed_latest_first_page_by_page(database: Database) -> None:
    tenant_id = builders.a_tenant()
    made = [await bury(database, tenant_id) for _ in range(5)]
    store = DeadLetterStore(database)

    first = await store.list_latest(tenant_id, ALL, limit=3)
    last = first[-1]
    assert last.finished_at is not None
    rest = await store.list_latest(tenant_id, ALL, before=(last.finished_at, last.job_id))

    assert [view.job_id for view in first + rest] == made[::-1]


async def test_replays_are_spread_out_over_calls_and_are_not_repeated(database: Database) -> None:
    tenant_id = builders.a_tenant()
    made = [await bury(database, tenant_id, age=timedelta(hours=9 - n)) for n in range(5)]

    first = await replay(database, tenant_id, limit=3, apart=timedelta(minutes=1))
    second = await replay(database, tenant_id, limit=3, apart=timedelta(minutes=1))
    third = await replay(database, tenant_id, limit=3, apart=timedelta(minutes=1))

    assert (first, second, third) == ((3, 2, 0), (2, 0, 0), (0, 0, 0))
    rows = await builders.fetch(
        database,
        "SELECT job_id, extract(EPOCH FROM run_after - min(run_after) OVER ())::int AS after"
        " FROM upload_pipeline.upload_jobs ORDER BY run_after",
    )
    assert [row["job_id"] for row in rows] == made
    assert [row["after"] for row in rows] == [0, 60, 120, 180, 240]
    assert [job.lease.job_id for job in await builders.claim(database, limit=9)] == made[:1]


async def test_a_replay_remembers_what_was(database: Database) -> None:
    tenant_id = builders.a_tenant()
    job_id = await bury(database, tenant_id, DocumentEncrypted("needs a password"))
    before = await EventStore(database).list_after(job_id, tenant_id)

    await replay(database, tenant_id)

    view = await JobStore(database).get(job_id, tenant_id)
    assert view is not None
    assert (view.state, view.replay_count, view.attempt_count) == (JobState.QUEUED, 1, 0)
    assert view.last_error is not None
    assert view.last_error["code"] == "document_encrypted"
    after = await EventStore(database).list_after(job_id, tenant_id)
    assert after[:-1] == before
    assert (after[-1].from_state, after[-1].state) == ("deadletter", "queued")

    [job] = await builders.claim(database)
    await JobStore(database).settle(
        job.lease, Settlement(JobState.DEADLETTER, DocumentUnreadable("torn"))
    )
    assert await JobStore(database).replay(job_id, tenant_id)
    again = await JobStore(database).get(job_id, tenant_id)
    assert again is not None
    assert again.replay_count == 2


async def test_a_replay_goes_on_at_the_text_that_is_stored(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    await builders.record_parsed(database, job)
    await JobStore(database).settle(job.lease, Settlement(JobState.DEADLETTER, IngestError("x")))

    await replay(database, job.tenant_id)

    [again] = await builders.claim(database)
    assert (again.stage, again.parsed_key is not None) == ("parsed", True)


async def test_a_job_whose_place_was_taken_is_not_replayed_but_discarded(
    database: Database,
) -> None:
    tenant_id = builders.a_tenant()
    old_generation = await bury(database, tenant_id, external_id="a", content=b"1")
    newest = await bury(database, tenant_id, external_id="a", content=b"2")
    first_try = await bury(database, tenant_id, content=b"same")
    second_try = await bury(database, tenant_id, content=b"same")
    replaced = await bury(database, tenant_id, content=b"uploaded again")
    await builders.accept(database, builders.an_arrival(tenant_id, b"uploaded again"))

    done = await replay(database, tenant_id)

    assert done == (2, 0, 3)
    assert await states(database, newest, second_try) == [JobState.QUEUED] * 2
    left = (old_generation, first_try, replaced)
    assert await states(database, *left) == [JobState.DEADLETTER] * 3
    discarded = await DeadLetterStore(database).discard(tenant_id, ALL, limit=9)
    assert (discarded.jobs, discarded.left) == (3, 0)


async def test_replays_at_the_same_time_replay_each_job_once(database: Database) -> None:
    tenant_id = builders.a_tenant()
    made = [await bury(database, tenant_id) for _ in range(6)]

    bulk, single = await asyncio.gather(
        asyncio.gather(*(replay(database, tenant_id, limit=6) for _ in range(4))),
        asyncio.gather(*(JobStore(database).replay(job_id, tenant_id) for job_id in made[::-1])),
    )

    assert sum(jobs for jobs, _, _ in bulk) + sum(map(bool, single)) == 6
    rows = await builders.fetch(database, "SELECT replay_count FROM upload_pipeline.upload_jobs")
    assert [row["replay_count"] for row in rows] == [1] * 6


async def test_a_replay_waits_for_a_next_generation_and_then_leaves_the_old_one(
    database: Database,
) -> None:
    tenant_id = builders.a_tenant()
    job_id = await bury(database, tenant_id, external_id="a")
    document_id = builders.an_arrival(tenant_id, external_id="a").document_id

    async with database.transaction() as connection:
        await connection.execute(
            "UPDATE upload_pipeline.documents SET generation = 2 WHERE document_id = $1",
            document_id,
        )
        replaying = asyncio.create_task(replay(database, tenant_id))
        await builders.until_blocked(database)

    assert (await replaying)[0] == 0
    assert await states(database, job_id) == [JobState.DEADLETTER]


async def test_what_is_discarded_is_cancelled_and_keeps_its_error_and_history(
    database: Database,
) -> None:
    tenant_id = builders.a_tenant()
    job_id = await bury(database, tenant_id, DocumentEncrypted("needs a password"))
    foreign = await bury(database, builders.a_tenant())
    store = DeadLetterStore(database)

    would = await store.discard(tenant_id, ALL, limit=9, dry_run=True)
    unchanged = await states(database, job_id)
    done = await store.discard(tenant_id, ALL, limit=9)
    again = await store.discard(tenant_id, ALL, limit=9)

    assert (would.jobs, done.jobs, again.jobs) == (1, 1, 0)
    assert unchanged == [JobState.DEADLETTER]
    assert await states(database, job_id, foreign) == [JobState.CANCELLED, JobState.DEADLETTER]
    view = await JobStore(database).get(job_id, tenant_id)
    assert view is not None
    assert view.last_error is not None
    assert view.last_error["code"] == "document_encrypted"
    events = await EventStore(database).list_after(job_id, tenant_id)
    assert [event.state for event in events[-2:]] == ["deadletter", "cancelled"]
