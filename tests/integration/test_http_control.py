"""What a gateway says about pauses, stuck jobs and when a job will be done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from ingest.adapters.postgres.jobs.pause_store import PauseStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.domain.job import Lane
from ingest.domain.pause import Pause, PauseKind
from ingest.domain.provider import PermitRequest
from tests.integration.gateway import Running, claim, publish, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def paused(gateway: Running, *pauses: Pause) -> AsyncIterator[None]:
    """Pauses that do not outlive the block, because other tests share the gateway."""
    store = PauseStore(gateway.database)
    for pause in pauses:
        await store.put(pause)
    try:
        yield
    finally:
        for pause in pauses:
            await store.lift(pause)


async def waiting_for(gateway: Running, job_id: str) -> dict[str, Any]:
    response = await gateway.client.get(f"/v1/jobs/{job_id}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["waiting_for"]
    return found


async def test_a_paused_job_names_what_stops_it_wherever_it_is_shown(gateway: Running) -> None:
    job_id = (await upload(gateway))["job_id"]
    own = Pause(PauseKind.TENANT, str(gateway.tenant))
    lane = Pause(PauseKind.LANE, Lane.INTERACTIVE)
    foreign = Pause(PauseKind.TENANT, str(uuid4()))

    async with paused(gateway, Pause(PauseKind.EVERYTHING), own, lane, foreign):
        single = await waiting_for(gateway, job_id)
        listed = (await gateway.client.get("/v1/jobs")).json()["jobs"]
        batch = await gateway.client.post("/v1/jobs:batchGet", json={"job_ids": [job_id]})
    after = await waiting_for(gateway, job_id)

    reason = {"reason": "paused", "paused_by": ["everything", "tenant", "lane interactive"]}
    for shown in (single, listed[0]["waiting_for"], batch.json()["jobs"][0]["waiting_for"]):
        assert {name: shown[name] for name in reason} == reason
        assert shown["pauses"] == [
            {"kind": "everything", "subject": None},
            {"kind": "tenant", "subject": str(gateway.tenant)},
            {"kind": "lane", "subject": "interactive"},
        ]
    assert single["eta_seconds"] is None
    assert (after["reason"] != "paused", after["paused_by"]) == (True, [])


async def test_a_job_that_waits_for_a_paused_provider_names_it(gateway: Running) -> None:
    job_id = (await upload(gateway))["job_id"]
    job = await claim(gateway)
    async with gateway.database.connection() as connection:
        await connection.execute(
            "UPDATE upload_pipeline.upload_jobs SET state = 'waiting', wait_reason = 'paused',"
            " wait_until = now() + interval '1 d' WHERE job_id = $1",
            job.lease.job_id,
        )

    async with paused(gateway, Pause(PauseKind.PROVIDER, "openai")):
        found = await waiting_for(gateway, job_id)

    assert (found["reason"], found["paused_by"]) == ("paused", ["provider openai"])


async def test_a_job_under_work_names_the_provider_that_is_short_of_quota(
    gateway: Running,
) -> None:
    job_id = (await upload(gateway))["job_id"]
    await claim(gateway)
    request = PermitRequest(
        provider="openai",
        model="text-embedding-3-small",
        fingerprints=("f",),
        tokens=int(gateway.settings.openai_tokens_per_minute // 2),
        lane=Lane.INTERACTIVE,
        tenant=str(gateway.tenant),
        patience=60,
    )
    waiting = asyncio.create_task(gateway.api.state.gateway.rate_limiter.acquire(request))
    try:
        async with asyncio.timeout(30):
            found = await waiting_for(gateway, job_id)
            while not found["short_of_quota"]:
                found = await waiting_for(gateway, job_id)
    finally:
        waiting.cancel()

    assert (found["reason"], found["short_of_quota"]) == ("worker", ["openai"])


async def test_readiness_and_metrics_show_pauses_without_naming_a_tenant(gateway: Running) -> None:
    pauses = [
        Pause(PauseKind.EVERYTHING),
        Pause(PauseKind.TENANT, str(gateway.tenant)),
        Pause(PauseKind.LANE, Lane.BACKFILL),
        Pause(PauseKind.PROVIDER, "llamaparse"),
    ]

    async with paused(gateway, *pauses):
        ready = await gateway.client.get("/readyz")

    assert ready.json()["pauses"] == {
        "everything": True,
        "lanes": ["backfill"],
        "providers": ["llamaparse"],
        "tenants": 1,
    }
    assert str(gateway.tenant) not in ready.text


async def test_metrics_count_pauses_stuck_jobs_and_batches(gateway: Running) -> None:
    await upload(gateway)
    job = await claim(gateway)
    change = "UPDATE upload_pipeline.upload_jobs SET leased_until = $2 WHERE job_id = $1"
    batch = (
        "INSERT INTO upload_pipeline.provider_batches"
        " (batch_id, tenant_id, embed_model, embed_version, vector_dim)"
        " VALUES (gen_random_uuid(), $1, 'text-embedding-3-small', '1', 1536)"
    )
    async with gateway.database.connection() as connection:
        await connection.execute(change, job.lease.job_id, datetime(2020, 1, 1, tzinfo=UTC))
        await connection.execute(batch, gateway.tenant)
    wanted = {
        'ingest_pauses{kind="provider"} 1.0',
        'ingest_stuck_jobs{kind="lease"} 1.0',
        'ingest_provider_batches{status="filling"} 1.0',
        'ingest_provider_batches{status="submitted"} 0.0',
    }

    async with paused(gateway, Pause(PauseKind.PROVIDER, "openai")), asyncio.timeout(30):
        shown: set[str] = set()
        while not wanted <= shown:
            shown = set((await gateway.client.get("/metrics")).text.splitlines())
    async with gateway.database.connection() as connection:
        await connection.execute(change, job.lease.job_id, datetime(2090, 1, 1, tzinfo=UTC))


async def test_a_job_tells_about_when_it_will_be_done_once_there_is_a_pace(
    gateway: Running,
) -> None:
    await WorkerStore(gateway.database).register(
        uuid4(), Lane.INTERACTIVE, host="h", pid=1, version="1"
    )
    for number in range(3):
        await upload(gateway, b"Done %d." % number)
        await publish(gateway, f"Done {number}.")
    first = (await upload(gateway, b"First."))["job_id"]
    last = [await upload(gateway, b"Behind %d." % number) for number in range(9)][-1]["job_id"]

    soon, later = await waiting_for(gateway, first), await waiting_for(gateway, last)

    assert soon["reason"] == later["reason"] == "queue"
    assert 0 < soon["eta_seconds"] < later["eta_seconds"]
