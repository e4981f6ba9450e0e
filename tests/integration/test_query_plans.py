"""What the queue's statements touch when there are 200,000 jobs."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from ingest.adapters.postgres.jobs.job_store import CLAIM, LEASES, SQL
from ingest.adapters.postgres.jobs.queue_measures import QueueMeasures
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain.identity import ALL_TENANTS
from tests import builders
from tests.integration.plans import explain, filled, indexes, job_scans

QUEUE, DEAD = load("queue_measures"), load("dead_letter")
LIMIT = 64
BUSY = UUID(int=7)
TENANTS = 16
"""Most that one claim takes turns between."""
PAUSED = 3 * 51
"""Looks at tenants that are stepped over."""
HELD, EXPIRED, WORKING = 50, 100, 2_000
"""Jobs that worker BUSY holds, whose lease ran out, and that anybody holds."""
_FILL = """
SET session_replication_role = replica;
INSERT INTO upload_pipeline.documents
(document_id, tenant_id, name, filename, media_type, bytes_len, file_sha256, raw_key)
SELECT gen_random_uuid(), md5('tenant' || n)::uuid, 'a', 'a', 'text/plain', 1,
    repeat('0', 64), 'raw'
FROM generate_series(0, 399) AS n;
INSERT INTO upload_pipeline.upload_jobs (
    job_id, document_id, tenant_id, generation, file_sha256, correlation_id, state, run_after,
    leased_by, leased_until, lease_token, progressed_at, finished_at
)
SELECT gen_random_uuid(), d.document_id, d.tenant_id, n + 1, '', 'test', s.state,
    now() + CASE WHEN s.state = 'retryable' THEN interval '1 h' ELSE interval '-1 h' END,
    CASE WHEN s.state = 'working' THEN
        CASE WHEN n % 4000 = 3 THEN '00000000-0000-0000-0000-000000000007'::uuid
            ELSE gen_random_uuid() END
    END,
    CASE WHEN s.state = 'working' THEN now() + CASE WHEN n % 2000 = 3
        THEN interval '-1 min' ELSE interval '1 h' END END,
    CASE WHEN s.state = 'working' THEN gen_random_uuid() END,
    CASE WHEN s.state = 'working' THEN now() END,
    CASE WHEN s.state = 'deadletter' THEN now() END
FROM generate_series(0, 199999) AS n
CROSS JOIN LATERAL (
    SELECT CASE WHEN n % 100 = 3 THEN 'working' WHEN n % 10 = 4 THEN 'deadletter'
        WHEN n % 10 < 3 THEN 'retryable' ELSE 'queued' END AS state
) AS s
INNER JOIN upload_pipeline.documents AS d ON d.tenant_id = md5('tenant' ||
    CASE WHEN s.state = 'retryable' THEN n % 300 WHEN n % 2 = 0 THEN 300
    ELSE 301 + n % 99 END)::uuid;
"""


@pytest.fixture(scope="module")
def large_queue(server_url: str, template_database: str) -> Iterator[str]:
    """URL of a database with 200,000 jobs: due, not due, held and dead, of 400 tenants."""
    with filled(server_url, template_database, _FILL) as url:
        yield url


def rows_touched(plan: dict[str, Any]) -> float:
    """Rows that any scan of jobs returned or threw away, over all its loops."""
    return sum(
        float(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)))
        for node in job_scans(plan)
    )


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("after", [ALL_TENANTS, UUID(int=2**127), UUID(int=2**128 - 1)])
async def test_claim_touches_few_rows_and_pages(large_queue: str, mode: str, after: UUID) -> None:
    plan = await explain(
        large_queue, mode, CLAIM["claim_jobs"], "interactive", after, LIMIT, BUSY, builders.LEASE
    )

    assert plan["Actual Rows"] == LIMIT
    assert rows_touched(plan) <= TENANTS * (LIMIT + 4) + 2 * LIMIT
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 6_000
    assert indexes(plan) == {"ix_jobs_state", "upload_jobs_pkey"}


async def explain_paused_claim(url: str, mode: str, pauses: str) -> dict[str, Any]:
    """The plan of a claim while there are the pauses that a query gives."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"INSERT INTO upload_pipeline.pauses (kind, subject) {pauses}".encode())
        try:
            return await explain(
                url,
                mode,
                CLAIM["claim_jobs"],
                "interactive",
                ALL_TENANTS,
                LIMIT,
                BUSY,
                builders.LEASE,
            )
        finally:
            connection.execute("DELETE FROM upload_pipeline.pauses")


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_claim_steps_over_paused_tenants_at_little_cost(
    large_queue: str, mode: str
) -> None:
    plan = await explain_paused_claim(
        large_queue,
        mode,
        "SELECT 'tenant', md5('tenant' || n)::uuid::text FROM generate_series(300, 350) AS n",
    )

    assert plan["Actual Rows"] == LIMIT
    assert rows_touched(plan) <= TENANTS * (LIMIT + 4) + 2 * LIMIT + PAUSED
    assert indexes(plan) == {"ix_jobs_state", "upload_jobs_pkey"}


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_claim_of_a_paused_lane_reads_no_job(large_queue: str, mode: str) -> None:
    plan = await explain_paused_claim(large_queue, mode, "VALUES ('lane', 'interactive')")

    assert (plan["Actual Rows"], rows_touched(plan)) == (0, 0)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_throughput_is_read_by_its_index(large_queue: str, mode: str) -> None:
    plan = await explain(
        large_queue, mode, QUEUE["measure_throughput"], "interactive", BUSY, timedelta(minutes=5)
    )

    assert indexes(plan) == {"idx_upload_jobs_published", "idx_upload_jobs_working"}
    assert rows_touched(plan) == WORKING


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_replay_finds_a_tenants_dead_jobs_by_index(large_queue: str, mode: str) -> None:
    tenant = UUID(hashlib.md5(b"tenant300", usedforsecurity=False).hexdigest())
    asked = tenant, None, None, None, None, None, 10, False
    plan = await explain(large_queue, mode, DEAD["choose_dead"], *asked, tenant=tenant)

    assert {"idx_upload_jobs_deadletter"} <= indexes(plan) <= {
        "idx_upload_jobs_deadletter", "idx_upload_jobs_generation", "idx_upload_jobs_document",
    }  # fmt: skip


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_tenants_jobs_are_listed_by_index(large_queue: str, mode: str) -> None:
    tenant = UUID(hashlib.md5(b"tenant310", usedforsecurity=False).hexdigest())
    asked = tenant, None, None, None, 50
    plan = await explain(large_queue, mode, SQL["list_jobs"], *asked, tenant=tenant)

    assert plan["Actual Rows"] == 50
    assert indexes(plan) == {"idx_upload_jobs_tenant_created"}


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_counting_what_a_worker_holds_reads_only_that(large_queue: str, mode: str) -> None:
    plan = await explain(large_queue, mode, CLAIM["count_working"], BUSY)

    assert indexes(plan) == {"idx_upload_jobs_working"}
    assert rows_touched(plan) == HELD


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_heartbeat_reads_only_what_its_worker_holds(large_queue: str, mode: str) -> None:
    plan = await explain(
        large_queue, mode, LEASES["heartbeat_jobs"], BUSY, builders.LEASE, timedelta(hours=1)
    )

    assert indexes(plan) == {"idx_upload_jobs_working", "upload_jobs_pkey"}
    assert rows_touched(plan) == 2 * HELD


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_rescue_reads_only_jobs_that_are_held(large_queue: str, mode: str) -> None:
    plan = await explain(large_queue, mode, LEASES["rescue_jobs"], 10, 1000)

    assert plan["Actual Rows"] == EXPIRED
    assert indexes(plan) == {"idx_upload_jobs_working", "upload_jobs_pkey"}
    assert rows_touched(plan) == WORKING + EXPIRED


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("priority", [-1, 1])
async def test_a_place_in_the_queue_is_counted_by_index_up_to_a_limit(
    large_queue: str, mode: str, priority: int
) -> None:
    busiest = UUID(hashlib.md5(b"tenant300", usedforsecurity=False).hexdigest())
    with psycopg.connect(large_queue, autocommit=True) as connection:
        changed = connection.execute(
            "UPDATE upload_pipeline.upload_jobs SET priority = %s WHERE job_id = ("
            "SELECT job_id FROM upload_pipeline.upload_jobs WHERE tenant_id = %s"
            " AND state = 'queued' LIMIT 1) RETURNING job_id",
            [priority, busiest],
        ).fetchone()
    assert changed
    plan = await explain(large_queue, mode, SQL["queue_position"], changed[0], 1_000)

    assert indexes(plan) == {"ix_jobs_state", "upload_jobs_pkey"}
    assert rows_touched(plan) <= (1_001 if priority < 0 else 3)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_the_oldest_due_job_is_found_without_looking_at_others(
    large_queue: str, mode: str
) -> None:
    plan = await explain(large_queue, mode, SQL["oldest_due"], ["interactive", "backfill"])

    assert indexes(plan) == {"idx_upload_jobs_due"}
    assert rows_touched(plan) == 1


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_stuck_jobs_are_looked_for_where_they_would_be(large_queue: str, mode: str) -> None:
    lanes, most = ["interactive", "backfill"], 1_000
    plan = await explain(
        large_queue,
        mode,
        QUEUE["count_stuck"],
        timedelta(minutes=1),
        lanes,
        most,
        timedelta(seconds=10),
    )

    assert "" not in indexes(plan)
    assert rows_touched(plan) <= 3 * WORKING + most


async def test_what_is_looked_for_often_is_planned_once(large_queue: str) -> None:
    database = Database(large_queue, pool_size=1)
    for _ in range(7):  # PostgreSQL plans five times with parameters before it thinks of another
        await QueueMeasures(database).stuck(after=timedelta(minutes=1))
    async with database.connection() as connection:
        [row] = await connection.fetch(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements "
            "WHERE statement LIKE '%AS ignored%' AND statement NOT LIKE '%pg_prepared%'"
        )
        assert await connection.fetchval("SHOW plan_cache_mode") == "auto"
    await database.close()

    assert dict(row) == {"generic_plans": 7, "custom_plans": 0}
