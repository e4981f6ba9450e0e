"""The backlog in figures: how many wait, for how long, and how many come first."""

from ingest.adapters.postgres.jobs.counter_store import CounterStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.job import JobState, Lane
from ingest.domain.stage import Stage
from tests import builders


async def test_the_backlog_is_counted_by_lane_stage_and_state(database: Database) -> None:
    tenant_id = builders.a_tenant()
    for lane in (Lane.INTERACTIVE, Lane.INTERACTIVE, Lane.INTERACTIVE, Lane.BACKFILL):
        await builders.accept(database, builders.an_arrival(tenant_id, lane=lane))
    await builders.claim(database)
    await builders.execute(
        database,
        "UPDATE upload_pipeline.upload_jobs SET run_after = now() - interval '1 min'"
        " WHERE lane = 'backfill'",
    )
    store = JobStore(database)

    assert set(await CounterStore(database).jobs()) == {
        (Lane.INTERACTIVE, Stage.QUEUED, JobState.QUEUED, 2),
        (Lane.INTERACTIVE, Stage.QUEUED, JobState.WORKING, 1),
        (Lane.BACKFILL, Stage.QUEUED, JobState.QUEUED, 1),
    }
    ages = await store.oldest_due_seconds()
    assert 60 <= ages[Lane.BACKFILL] < 120
    assert 0 <= ages[Lane.INTERACTIVE] < 60


async def test_the_queue_position_counts_jobs_that_come_first(database: Database) -> None:
    tenant_id = builders.a_tenant()
    made = [await builders.accept(database, builders.an_arrival(tenant_id)) for _ in range(3)]
    await builders.accept(database)

    positions = [await JobStore(database).queue_position(job.job_id) for job in made]

    assert positions == [0, 1, 2]
