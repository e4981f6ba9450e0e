"""Claims and heartbeats: who gets which job, and for how long."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import Lane
from ingest.domain.stage import Stage
from tests import builders
from tests.builders import LEASE, numbered_chunks


async def a_backlog(
    database: Database, tenant_id: UUID, count: int, *, run_after: str = "now()", priority: int = 0
) -> None:
    """Documents and queued jobs of a tenant, written by the server itself."""
    await builders.execute(
        database,
        f"""
        WITH made AS (
            INSERT INTO upload_pipeline.documents
            (document_id, tenant_id, name, filename, media_type, bytes_len, file_sha256, raw_key)
            SELECT gen_random_uuid(), $1, gen_random_uuid(), 'a.txt', 'text/plain', 1,
                repeat('0', 64), 'raw'
            FROM generate_series(1, $2::int)
            RETURNING document_id
        )
        INSERT INTO upload_pipeline.upload_jobs
        (job_id, document_id, tenant_id, generation, file_sha256, correlation_id, priority,
            run_after)
        SELECT gen_random_uuid(), document_id, $1, 1, repeat('0', 64), 'test', $3, {run_after}
        FROM made
        """,
        tenant_id,
        count,
        priority,
    )


async def test_claimers_at_once_take_every_job_exactly_once(database: Database) -> None:
    for _ in range(6):
        await a_backlog(database, uuid4(), 50)
    taken: Counter[UUID] = Counter()

    async def work() -> None:
        misses = 0
        while misses < 50 and sum(taken.values()) < 300:
            wave = await builders.claim(database, limit=7)
            taken.update(job.lease.job_id for job in wave)
            misses = 0 if wave else misses + 1

    await asyncio.gather(*(work() for _ in range(8)))

    assert len(taken) == 300
    assert set(taken.values()) == {1}
    working = await builders.fetch(
        database,
        "SELECT count(*) AS n, count(DISTINCT lease_token) AS tokens"
        " FROM upload_pipeline.upload_jobs WHERE state = 'working'",
    )
    assert working == [{"n": 300, "tokens": 300}]


async def test_a_tenant_with_one_job_is_not_starved_by_one_with_ten_thousand(
    database: Database,
) -> None:
    first, second = sorted((uuid4(), uuid4()))
    for loud, quiet in ((first, second), (second, first)):
        await builders.execute(database, "DELETE FROM upload_pipeline.documents")
        await a_backlog(database, loud, 10_000 if loud == first else 1_000)
        await a_backlog(database, quiet, 1)

        wave = await builders.claim(database, limit=4)

        assert Counter(job.tenant_id for job in wave) == {loud: 3, quiet: 1}


async def test_claim_takes_turns_and_ends_where_the_next_claim_goes_on(
    database: Database,
) -> None:
    tenants = sorted(uuid4() for _ in range(5))
    for tenant in tenants:
        await a_backlog(database, tenant, 4)
    served: list[UUID] = []

    after = ALL_TENANTS
    for _ in range(5):
        wave = await builders.claim(database, limit=2, after=after)
        served += [job.tenant_id for job in wave]
        after = wave[-1].tenant_id

    assert served == tenants + tenants


async def test_claim_returns_a_wave_in_the_order_of_turns(database: Database) -> None:
    tenants = sorted(uuid4() for _ in range(3))
    for tenant in tenants:
        await a_backlog(database, tenant, 40)

    wave = await builders.claim(database, limit=60)

    assert [job.tenant_id for job in wave] == tenants * 20


async def test_tenants_whose_jobs_are_not_due_do_not_hide_one_whose_job_is(
    database: Database,
) -> None:
    tenants = sorted(uuid4() for _ in range(21))
    for tenant in tenants[:-1]:
        await a_backlog(database, tenant, 1, run_after="now() + interval '1 h'")
    await a_backlog(database, tenants[-1], 1)

    wave = await builders.claim(database, limit=4)

    assert [job.tenant_id for job in wave] == [tenants[-1]]


async def test_claim_prefers_priority_and_then_the_longest_due(database: Database) -> None:
    tenant_id = uuid4()
    for priority, run_after in (
        (0, "now() - interval '9 min'"),
        (0, "now() - interval '1 min'"),
        (5, "now() - interval '1 s'"),
        (9, "now() + interval '1 min'"),
    ):
        await a_backlog(database, tenant_id, 1, run_after=run_after, priority=priority)

    waves = [await builders.claim(database) for _ in range(4)]

    rows = await builders.fetch(
        database,
        "SELECT job_id, priority, run_after < now() - interval '5 min' AS old"
        " FROM upload_pipeline.upload_jobs",
    )
    facts = {row["job_id"]: (row["priority"], row["old"]) for row in rows}
    assert [facts[job.lease.job_id] for wave in waves for job in wave] == [
        (5, False),
        (0, True),
        (0, False),
    ]


async def test_claim_takes_only_jobs_of_its_lane(database: Database) -> None:
    await builders.accept(database, builders.an_arrival(lane=Lane.BACKFILL))

    assert await builders.claim(database, lane=Lane.INTERACTIVE) == []
    assert len(await builders.claim(database, lane=Lane.BACKFILL)) == 1


async def test_the_claimed_job_says_what_the_pipeline_needs(database: Database) -> None:
    arrival = builders.an_arrival()

    job = await builders.a_claimed_job(database, arrival)

    assert (job.document_id, job.tenant_id, job.generation) == (
        arrival.document_id,
        arrival.tenant_id,
        1,
    )
    assert (job.stage, job.attempt, job.parsed_key) == (Stage.QUEUED, 1, None)
    assert (job.filename, job.media_type, job.bytes_len, job.raw_key) == (
        arrival.filename,
        arrival.media_type,
        arrival.bytes_len,
        arrival.raw_key,
    )


async def test_heartbeat_extends_the_leases_of_its_worker_only(database: Database) -> None:
    worker_id = uuid4()
    await builders.accept(database)
    await builders.accept(database)
    [mine] = await builders.claim(database, worker_id=worker_id)
    await builders.claim(database)

    await JobStore(database).heartbeat(
        worker_id, lease=timedelta(hours=9), stage_timeout=timedelta(hours=1)
    )

    extended = await builders.fetch(
        database,
        "SELECT job_id FROM upload_pipeline.upload_jobs"
        " WHERE leased_until > now() + interval '8 h'",
    )
    assert extended == [{"job_id": mine.lease.job_id}]


async def test_heartbeat_lets_a_job_without_progress_run_out(database: Database) -> None:
    worker_id = uuid4()
    await builders.accept(database)
    await builders.claim(database, worker_id=worker_id, lease=builders.EXPIRED)
    store = JobStore(database)

    await store.heartbeat(worker_id, lease=LEASE, stage_timeout=timedelta(microseconds=1))

    assert len(await store.rescue(max_rescues=3)) == 1


async def test_heartbeat_and_batches_never_wait_for_each_other_in_a_circle(
    database: Database,
) -> None:
    worker_id = uuid4()
    for _ in range(30):
        await builders.accept(database)
    jobs = await builders.claim(database, worker_id=worker_id, limit=30)
    store = builders.chunk_store(database)
    shares = [builders.share(job, numbered_chunks(job, 1)) for job in jobs]

    async def beat() -> None:
        for _ in range(40):
            await JobStore(database).heartbeat(worker_id, lease=LEASE, stage_timeout=LEASE)

    async def write() -> None:
        for _ in range(20):
            await store.plan(shares, lease=LEASE)
            await store.plan(shares[::-1], lease=LEASE)

    await asyncio.gather(beat(), beat(), write(), write())
