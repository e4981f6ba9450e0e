"""What is added up is what counting would give, whatever happened and whoever folded it."""

import asyncio
import random
from collections import Counter
from uuid import uuid4

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.counter_store import CounterStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database, TenantDatabase, act_for
from ingest.domain.job import Lane
from tests import builders
from tests.builders import some_chunks

COUNTED = "SELECT lane, stage, state, count(*) FROM upload_pipeline.upload_jobs GROUP BY 1, 2, 3"
PUBLISHED = """
    SELECT count(*), coalesce(sum(chunk_count), 0), count(*) FILTER (WHERE degraded <> '{}')
    FROM upload_pipeline.documents WHERE live_generation > 0
"""


async def agree(database: Database) -> None:
    """The sums are what the tables hold."""
    async with database.connection() as connection:
        jobs = {tuple(row) for row in await connection.fetch(COUNTED)}
        documents = tuple(await connection.fetchrow(PUBLISHED))
    store = CounterStore(database)
    assert set(await store.jobs()) == jobs
    counts = await store.documents()
    assert (counts.documents, counts.chunks, counts.degraded) == documents


async def rows(database: Database) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM upload_pipeline.counters"))


async def test_sums_follow_every_change(database: Database) -> None:
    rng, ended = random.Random(4), Counter[str]()
    mine = builders.a_tenant()
    for _ in range(12):
        await builders.accept(database, builders.an_arrival(mine, lane=Lane.BACKFILL))
        job = await builders.a_claimed_job(database)
        match rng.choice(["publish", "cancel", "delete", "lose"]):
            case "publish" as what:
                await builders.publish(database, job, some_chunks(job, "one", "two"))
            case "cancel" as what:
                act_for(job.tenant_id)
                await JobStore(TenantDatabase(database)).cancel(job.lease.job_id, job.tenant_id)
            case "delete" as what:
                await builders.publish(database, job, some_chunks(job, "gone"))
                await builders.execute(
                    database,
                    "DELETE FROM upload_pipeline.documents WHERE document_id = $1",
                    job.document_id,
                )
            case what:
                await builders.lose_lease(database, job)
                await agree(database)
                await JobStore(database).cancel(job.lease.job_id, job.tenant_id)
        ended[what] += 1
        await agree(database)

    assert len(ended) == 4


async def test_folding_beside_writers_and_other_folders_changes_no_sum(database: Database) -> None:
    store, mine = CounterStore(database), builders.a_tenant()

    async def write() -> None:
        for _ in range(15):
            await builders.accept(database, builders.an_arrival(mine))

    async def fold() -> None:
        for _ in range(40):
            await store.fold()
            await asyncio.sleep(0.005)

    await asyncio.gather(write(), write(), fold(), fold())
    await store.fold()

    await agree(database)
    assert await rows(database) == 1


async def test_emptied_tables_leave_no_sum(database: Database) -> None:
    await builders.publish(
        database, job := await builders.a_claimed_job(database), some_chunks(job, "one")
    )

    await builders.execute(database, "TRUNCATE upload_pipeline.documents CASCADE")

    await agree(database)
    assert await rows(database) == 0


async def test_a_tenant_changes_sums_and_does_not_see_them(database: Database) -> None:
    tenant = uuid4()
    act_for(tenant)
    own = TenantDatabase(database)
    await builders.accept(database, builders.an_arrival(tenant))
    [document] = await DocumentStore(own).list_newest(tenant, limit=9)
    assert document.live_generation == 0

    await agree(database)
    async with own.connection() as connection:
        seen = await connection.fetchval(
            "SELECT has_table_privilege('upload_pipeline.counters', 'SELECT')"
        )
    assert seen is False
