"""What does not move is found, of every kind; a queue that moves holds none of it."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.pause_store import PauseStore
from ingest.adapters.postgres.jobs.queue_measures import QueueMeasures
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.attempt import Settlement
from ingest.domain.errors import DocumentUnreadable, ProviderPaused, ProviderUnavailable
from ingest.domain.eta import Throughput
from ingest.domain.job import JobState, Lane, WaitReason
from ingest.domain.pause import Pause, PauseKind
from tests import builders

MINUTE = timedelta(minutes=1)
NONE = {"lease": 0, "wait": 0, "never_due": 0, "ignored": 0}
_LEASE = "leased_by = gen_random_uuid(), lease_token = gen_random_uuid(), leased_until ="


async def break_job(database: Database, job_id: UUID, change: str) -> None:
    """Change a job past the guard."""
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            f"UPDATE upload_pipeline.upload_jobs SET {change} WHERE job_id = $1", job_id
        )


async def stuck(database: Database) -> dict[str, int]:
    return await QueueMeasures(database).stuck(after=MINUTE)


async def start_stream(database: Database, lane: Lane = Lane.INTERACTIVE) -> UUID:
    """A stream that has been alive for an hour."""
    worker_id = uuid4()
    await WorkerStore(database).register(worker_id, lane, host="h", pid=1, version="1")
    await builders.execute(
        database, "UPDATE upload_pipeline.workers SET started_at = now() - interval '1 h'"
    )
    return worker_id


@pytest.mark.parametrize(("change", "kind"), [
    (f"state = 'working', {_LEASE} now() - interval '2 min'", "lease"),
    (f"state = 'working', {_LEASE} 'infinity'", "lease"),
    ("state = 'waiting', wait_reason = 'parse', wait_until = now() - interval '2 min'", "wait"),
    ("state = 'waiting', wait_reason = 'budget', wait_until = 'infinity'", "wait"),
    ("state = 'retryable', run_after = 'infinity'", "never_due"),
    ("run_after = now() + interval '60 days'", "never_due"),
])  # fmt: skip
async def test_a_job_that_nothing_will_move_is_found(
    database: Database, change: str, kind: str
) -> None:
    accepted = await builders.accept(database)
    assert await stuck(database) == NONE

    await break_job(database, accepted.job_id, change)

    assert await stuck(database) == NONE | {kind: 1}


async def test_a_due_job_is_ignored_only_by_a_stream_that_is_alive_idle_and_not_paused(
    database: Database,
) -> None:
    accepted = await builders.accept(database, arrival := builders.an_arrival())
    await break_job(database, accepted.job_id, "run_after = now() - interval '2 min'")
    pauses = PauseStore(database)
    without_a_stream = await stuck(database)
    worker_id = await start_stream(database)
    idle = await stuck(database)

    while_paused = []
    for pause in (
        Pause(PauseKind.EVERYTHING),
        Pause(PauseKind.LANE, Lane.INTERACTIVE),
        Pause(PauseKind.TENANT, str(arrival.tenant_id)),
    ):
        await pauses.put(pause)
        while_paused.append(await stuck(database))
        await pauses.lift(pause)
    await WorkerStore(database).drain(worker_id)
    draining = await stuck(database)

    assert idle == NONE | {"ignored": 1}
    assert [without_a_stream, *while_paused, draining] == [NONE] * 5


async def test_a_due_job_behind_others_is_not_ignored(database: Database) -> None:
    accepted = await builders.accept(database)
    worker_id = await start_stream(database)
    await builders.claim(database, worker_id=worker_id)
    behind = await builders.accept(database)
    for job in (accepted, behind):
        await break_job(database, job.job_id, "run_after = now() - interval '2 min'")

    assert await stuck(database) == NONE


async def test_jobs_in_every_state_that_is_meant_to_be_are_not_stuck(database: Database) -> None:
    await start_stream(database)
    store = JobStore(database)
    for settlement in (
        Settlement(JobState.RETRYABLE, ProviderUnavailable("away"), delay=MINUTE),
        Settlement(
            JobState.WAITING,
            ProviderPaused("away"),
            delay=MINUTE,
            wait_reason=WaitReason.PROVIDER,
            wait_at_most=timedelta(days=7),
        ),
        Settlement(JobState.DEADLETTER, DocumentUnreadable("torn")),
    ):
        job = await builders.a_claimed_job(database)
        await store.settle(job.lease, settlement)
    done = await builders.a_claimed_job(database)
    await builders.publish(database, done, builders.numbered_chunks(done, 1))
    await builders.a_claimed_job(database)
    await builders.accept(database)

    assert await stuck(database) == NONE


async def test_throughput_is_the_lanes_and_the_tenants(database: Database) -> None:
    mine, other = builders.a_tenant(), builders.a_tenant()
    for tenant_id, age in ((mine, 60), (mine, 30), (other, 10), (other, 1200)):
        job = await builders.a_claimed_job(database, builders.an_arrival(tenant_id))
        await builders.publish(database, job, builders.numbered_chunks(job, 1))
        await break_job(database, job.lease.job_id, f"finished_at = now() - interval '{age} s'")
    await builders.a_claimed_job(database, builders.an_arrival(mine))
    store = QueueMeasures(database)

    seen = await store.throughput(Lane.INTERACTIVE, mine)
    backfill = await store.throughput(Lane.BACKFILL, mine)

    assert (seen.published, seen.own_published, seen.tenants, seen.own_held) == (3, 2, 2, 1)
    assert 60 <= seen.seconds < 90
    assert backfill == Throughput(0, 0, 0, 0.0, 0)
