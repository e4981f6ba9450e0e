"""What the queue costs with ten million jobs in it, against ten."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from uuid import uuid4

import psycopg

from benchmarks.own_database import own_database
from benchmarks.report import Plot, Report, Results, run
from ingest.adapters.postgres.jobs.counter_store import CounterStore
from ingest.adapters.postgres.jobs.job_store import CLAIM, JobStore
from ingest.adapters.postgres.jobs.queue_measures import QueueMeasures
from ingest.adapters.postgres.pool import Database
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import Lane

_LIMIT = 10
"""Jobs in a claim: as many as there are in the small queue."""
_ROUNDS = 60
_LEASE = timedelta(minutes=5)
_TENANTS = 1_000
# Nine of ten are due, one was published.
_NUMBERS = """
CREATE UNLOGGED TABLE numbers AS
SELECT n, gen_random_uuid() AS id, n % 10 = 9 AS is_done,
    md5('tenant' || n % {tenants})::uuid AS tenant_id
FROM generate_series(0, {last}) AS n
"""
_DOCUMENTS = """
INSERT INTO upload_pipeline.documents
(document_id, tenant_id, name, filename, media_type, bytes_len, file_sha256, raw_key)
SELECT id, tenant_id, n, 'a.txt', 'text/plain', 1, repeat('0', 64), n FROM numbers
"""
_JOBS = """
INSERT INTO upload_pipeline.upload_jobs (
    job_id, document_id, tenant_id, generation, file_sha256, correlation_id, lane, state, stage,
    chunks_total, chunks_stored, run_after, created_at, finished_at
)
SELECT id, id, tenant_id, 1, '', 'benchmark', 'backfill',
    CASE WHEN is_done THEN 'done' ELSE 'queued' END,
    CASE WHEN is_done THEN 'embedded' ELSE 'queued' END,
    CASE WHEN is_done THEN 1 END, CASE WHEN is_done THEN 1 ELSE 0 END,
    now() - n * interval '1 ms', now() - n * interval '1 ms', CASE WHEN is_done THEN now() END
FROM numbers
"""
_INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index AS i
WHERE i.indrelid = 'upload_pipeline.{table}'::regclass
    AND NOT EXISTS (SELECT 1 FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)
"""
_TALLY = """
TRUNCATE upload_pipeline.counters;
INSERT INTO upload_pipeline.counters (counted, lane, stage, state, amount)
SELECT 'jobs', lane, stage, state, count(*) FROM upload_pipeline.upload_jobs GROUP BY 2, 3, 4
"""
_ONE = """
SELECT job_id, tenant_id FROM upload_pipeline.upload_jobs
WHERE state = 'queued' ORDER BY run_after DESC LIMIT 1
"""


def measure(quick: bool) -> Report:
    """Measure the same statements at both sizes, of databases that differ in nothing else."""
    many = 500_000 if quick else 10_000_000
    results: Results = {}
    with own_database() as (_, url):
        small = _at(url, _LIMIT)
        large = _at(url, many)
        results["claim_fresh_ms"] = asyncio.run(_fresh_claims(url))
    for what, took in small.items():
        results[f"{what}_ms_small"] = took
        results[f"{what}_ms_{_short(many)}"] = large[what]
    ratios = {what: large[what] / small[what] for what in small}
    results |= {f"{what}_ratio": ratio for what, ratio in ratios.items()}
    results["worst_ratio"] = max(ratios.values())
    return Report(
        "backlog",
        {"jobs": many, "small": _LIMIT, "rounds": _ROUNDS, "tenants": _TENANTS, "claim": _LIMIT},
        f"the same with {_LIMIT} jobs (small)",
        results,
        dataset=f"Jobs of {_TENANTS} tenants; nine of ten are due.",
        plots=[
            Plot(
                "What is asked of the queue costs about the same, however long the queue is.",
                "jobs in the queue",
                "milliseconds",
                lines={what: [(_LIMIT, small[what]), (many, large[what])] for what in small},
            )
        ],
    )


def _at(url: str, jobs: int) -> dict[str, float]:
    """Median milliseconds of each thing that is asked of a queue, with so many jobs in it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("TRUNCATE upload_pipeline.documents CASCADE")
        connection.execute("DROP TABLE IF EXISTS numbers")
        connection.execute(_NUMBERS.format(last=jobs - 1, tenants=_TENANTS).encode())
        for table, fill in (("documents", _DOCUMENTS), ("upload_jobs", _JOBS)):
            # Building an index of so many rows is far faster than adding them to it one by one.
            indexes = connection.execute(_INDEXES.format(table=table).encode()).fetchall()
            for name, _ in indexes:
                connection.execute(f"DROP INDEX {name}".encode())
            connection.execute(fill.encode())
            for _, definition in indexes:
                connection.execute(definition)
        connection.execute(_TALLY)
        connection.execute("VACUUM ANALYZE upload_pipeline.upload_jobs")
        connection.execute("VACUUM ANALYZE upload_pipeline.documents")
        connection.execute("CHECKPOINT")
    return asyncio.run(_measure(url))


async def _measure(url: str) -> dict[str, float]:
    database = Database(url, pool_size=1)
    async with database.connection() as connection:
        job_id, tenant_id = await connection.fetchrow(_ONE)
        since = await connection.fetchval("SELECT now() + interval '1 s'")
    jobs, queue, counters = JobStore(database), QueueMeasures(database), CounterStore(database)
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "job": partial(jobs.get, job_id, tenant_id),
        "position": partial(jobs.queue_position, job_id),
        "pace": partial(queue.throughput, Lane.BACKFILL, tenant_id),
        "oldest": jobs.oldest_due_seconds,
        "totals": counters.jobs,
        "stuck": partial(queue.stuck, after=timedelta(minutes=1)),
        "page": partial(jobs.list_newest, tenant_id, limit=1),  # a tenant of few has one
        "lane": partial(queue.lane, Lane.BACKFILL, tenant_id, since=since),
    }
    source = Database(url, pool_size=1, plans_once=True)  # as the source of a stream has it
    took = {"claim": await _claims(source)}
    await source.close()
    for what, ask in asked.items():
        took[what] = await _median(ask)
    await database.close()
    return took


async def _claims(database: Database) -> float:
    """Median milliseconds of a claim that is rolled back, so that each finds the same jobs."""
    times = []
    for _ in range(_ROUNDS):
        async with database.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                began = time.perf_counter()
                claimed = await connection.fetch(
                    CLAIM["claim_jobs"], Lane.BACKFILL, ALL_TENANTS, _LIMIT, uuid4(), _LEASE
                )
                times.append(1000 * (time.perf_counter() - began))
            finally:
                await transaction.rollback()
        if len(claimed) < _LIMIT - 1:
            raise RuntimeError(f"{len(claimed)} jobs claimed, not {_LIMIT}")
    return statistics.median(times)


async def _fresh_claims(url: str) -> float:
    """Median milliseconds of a claim that lasts: each touches pages that none touched before."""
    database, worker_id = Database(url, pool_size=1), uuid4()
    jobs = JobStore(database)
    took = await _median(
        lambda: jobs.claim(
            Lane.BACKFILL, after=ALL_TENANTS, limit=_LIMIT, worker_id=worker_id, lease=_LEASE
        )
    )
    await database.close()
    return took


async def _median(ask: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        await ask()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def _short(number: int) -> str:
    return f"{number // 1_000_000}m" if number >= 1_000_000 else f"{number // 1_000}k"


if __name__ == "__main__":
    run(measure, description=__doc__)
