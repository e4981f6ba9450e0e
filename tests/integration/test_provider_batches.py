"""Texts by provider batches: bought once, at half the price, with the online lane's vectors."""

import asyncio
from decimal import Decimal
from uuid import uuid4

import numpy as np

from benchmarks.simulator import Simulator
from ingest.adapters.auth.provider_keys import Keys
from ingest.adapters.embedders.openai.embedding import OpenAIEmbedding
from ingest.adapters.postgres.admin.tenant_store import TenantStore
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.job import ClaimedJob, JobState
from ingest.domain.pricing import Period
from ingest.domain.stage import Stage
from ingest.domain.tenant import Tenant
from tests import builders
from tests.builders import LARGE_MODEL
from tests.integration.batch_fixtures import DAY, SOON, TEXTS, Batching, batching
from tests.integration.cli_system import Outcome, ingest

KEY = {"Authorization": "Bearer sk-good"}


async def test_a_job_waits_and_is_published_with_the_vectors_of_the_online_lane(
    lane: Batching, batches: Simulator
) -> None:
    job = await lane.a_job()

    deferred = await lane.defer(job, *TEXTS)
    waiting = await lane.job_row(job)
    submitted = await lane.hand_over()
    await lane.collect()
    await lane.go_on({job.lease.job_id: TEXTS})

    assert (deferred.ready, deferred.failed, submitted) == ([], [], 1)
    assert (waiting["state"], waiting["wait_reason"]) == ("waiting", "batch")
    assert waiting["attempt_count"] == 0
    assert await builders.state_of(lane.database, job.lease.job_id) == (
        Stage.EMBEDDED,
        JobState.DONE,
    )
    rows = await builders.fetch(
        lane.database,
        "SELECT text, embedding FROM upload_pipeline.document_chunks ORDER BY chunk_ord",
    )
    online = OpenAIEmbedding(LARGE_MODEL, base_url=f"{batches.url}/v1")
    [key] = Keys("sk-good").current()
    same = await online.call(TEXTS, key=key, call_id=uuid4())
    await online.close()
    assert [row["text"] for row in rows] == list(TEXTS)
    assert np.array_equal(np.stack([row["embedding"].to_numpy() for row in rows]), same.vectors)
    [call] = await lane.calls()
    assert (call["lane"], call["model"]) == ("batch", "text-embedding-3-small/batch")
    assert call["usd"] == Decimal("0.01") * call["units"] / 1_000_000
    assert await lane.states() == ["ended"]
    batched = [c for c in batches.calls() if c["batched"]]
    assert [c["tokens"] for c in batched] == [call["units"]]
    files = [batches.client.get(f"/v1/files/file-{n:08}", headers=KEY) for n in range(1, 100)]
    assert {answer.status_code for answer in files} == {404}, "the texts are removed there"


async def test_a_text_that_many_want_is_bought_once(lane: Batching, batches: Simulator) -> None:
    tenant = builders.a_tenant()
    first, second = await lane.a_job(tenant), await lane.a_job(tenant)
    await lane.defer(first, "shared", "own", "shared")
    await lane.defer(second, "shared", "another")
    await lane.hand_over()
    late = await lane.a_job(tenant)
    await lane.defer(late, "shared")
    waits_for = (await lane.job_row(late))["provider_batch_id"]
    await lane.collect()
    await lane.go_on(
        {
            first.lease.job_id: ("shared", "own", "shared"),
            second.lease.job_id: ("shared", "another"),
            late.lease.job_id: ("shared",),
        }
    )
    later = await lane.a_job(tenant)
    ready = await lane.defer(later, "shared", "own")

    assert waits_for == (await lane.job_row(first))["provider_batch_id"]
    assert len(ready.ready) == 1, "everything is there already"
    assert batches.stats()["inputs_billed"] == 3
    assert batches.stats()["inputs_billed_again"] == 0
    for job in (first, second, late):
        assert (await lane.job_row(job))["state"] == "done"
    await lane.ensure_balanced()


async def test_tenants_have_batches_of_their_own(lane: Batching, batches: Simulator) -> None:
    mine, yours = await lane.a_job(), await lane.a_job()
    await lane.defer(mine, "the same text")
    await lane.defer(yours, "the same text")

    submitted = await lane.hand_over()
    await lane.collect(batches=2)

    assert submitted == 2
    assert {batch.tenant_id for batch in await lane.listed()} == {mine.tenant_id, yours.tenant_id}
    assert {call["tenant_id"] for call in await lane.calls()} == {mine.tenant_id, yours.tenant_id}
    assert batches.stats()["inputs_billed_again"] == 1, "bought by each"


async def test_a_batch_that_is_full_takes_no_more(batches: Simulator, database: Database) -> None:
    async with batching(batches, database, texts=4) as lane:
        job = await lane.a_job()
        texts = [f"text {number}" for number in range(10)]
        await lane.defer(job, *texts)
        before = await lane.states()
        submitted = await lane.hand_over()
        await lane.collect(batches=3)
        for _ in range(3):  # it may wait for one after the other
            await lane.go_on({job.lease.job_id: texts})

        assert before == ["submitting", "submitting", "filling"]
        assert submitted == 3
        assert [batch.texts for batch in reversed(await lane.listed())] == [4, 4, 2]
        assert (await lane.job_row(job))["state"] == "done"
        await lane.ensure_balanced()


async def test_a_batch_is_not_handed_over_while_there_is_no_money_for_it(
    lane: Batching, batches: Simulator
) -> None:
    job = await lane.a_job()
    await lane.ledger.set_budget(job.tenant_id, Period.DAY, soft=None, hard=Decimal(0))
    await lane.defer(job, *TEXTS)

    broke = await lane.hand_over()
    [refused] = await lane.listed()
    asked = len(batches.calls())
    await lane.ledger.remove_budget(job.tenant_id, Period.DAY)
    await lane.look_again()
    paid = await lane.hand_over()

    assert (broke, paid, asked) == (0, 1, 0)
    assert refused.error_code == "budget_exhausted"
    assert (await lane.job_row(job))["state"] == "waiting"


async def test_our_own_limit_of_tokens_keeps_batches_back(
    batches: Simulator, database: Database
) -> None:
    async with batching(batches, database, queue_tokens=4) as lane:
        job = await lane.a_job()
        await lane.defer(job, "one two three", "four five six")
        at_once = await lane.hand_over()
        before = await lane.states()
        await lane.collect()
        afterwards = await lane.hand_over()

        assert (at_once, afterwards) == (1, 1)
        assert before == ["submitted", "filling"]


async def test_a_deleted_document_takes_its_texts_along(lane: Batching, batches: Simulator) -> None:
    job = await lane.a_job()
    await lane.defer(job, *TEXTS)
    store = DocumentStore(lane.database)
    await store.delete(job.document_id, job.tenant_id, remove_blob=_nothing)

    submitted = await lane.hand_over()

    left = await builders.fetch(
        lane.database, "SELECT 1 FROM upload_pipeline.document_vector_buffer"
    )
    assert left == []
    assert submitted == 0
    assert await lane.states() == ["collected"]
    assert batches.calls() == []


async def _nothing(_key: str) -> None:
    pass


async def cancel(lane: Batching, *jobs: ClaimedJob) -> None:
    for job in jobs:
        assert await JobStore(lane.database).cancel(job.lease.job_id, job.tenant_id)


async def test_what_was_cancelled_before_the_batch_is_handed_over_is_not_bought(
    lane: Batching, batches: Simulator
) -> None:
    tenant = builders.a_tenant()
    stopped, kept = await lane.a_job(tenant), await lane.a_job(tenant)
    await lane.defer(stopped, *TEXTS)
    await lane.defer(kept, "mine", TEXTS[0])
    await cancel(lane, stopped)

    await lane.hand_over()
    await lane.collect()
    await lane.go_on({kept.lease.job_id: ("mine", TEXTS[0])})

    [batch] = await lane.listed()
    assert (batch.texts, batch.status) == (2, "ended")
    assert len(batches.calls()) == 1
    assert (await lane.job_row(kept))["state"] == "done", "what both wanted came in the same batch"
    await lane.ensure_balanced()


async def test_a_batch_that_nobody_wants_any_more_is_not_handed_over(
    lane: Batching, batches: Simulator
) -> None:
    tenant = builders.a_tenant()
    jobs = [await lane.a_job(tenant) for _ in range(2)]
    for job in jobs:
        await lane.defer(job, *TEXTS)
    await cancel(lane, *jobs)

    submitted = await lane.hand_over()
    again = await lane.a_job(tenant)
    await lane.defer(again, *TEXTS)

    assert submitted == 0
    assert await lane.states() == ["collected", "filling"]
    assert batches.calls() == []


async def test_what_the_provider_may_have_already_stays_as_it_is(lane: Batching) -> None:
    """It is looked for there, and its results belong to the texts that were sent."""
    job = await lane.a_job()
    await lane.defer(job, *TEXTS)
    await cancel(lane, job)
    await builders.execute(
        lane.database, "UPDATE upload_pipeline.provider_batches SET call_id = gen_random_uuid()"
    )
    await asyncio.sleep(0.01)

    taken = await lane.batches.take(quiet=SOON, submission=DAY, queue_tokens=10**6)

    assert taken is not None
    assert taken.texts == len(TEXTS)


async def test_texts_go_when_no_job_works_on_their_document(lane: Batching) -> None:
    job, stays = await lane.a_job(), await lane.a_job()
    await lane.defer(job, *TEXTS)
    await lane.defer(stays, *TEXTS)
    await lane.hand_over()
    await lane.collect(batches=2)
    await lane.go_on({job.lease.job_id: TEXTS, stays.lease.job_id: ("other",)})
    early = await lane.collector.sweep()
    await builders.execute(
        lane.database,
        "UPDATE upload_pipeline.provider_batches SET ended_at = now() - interval '1 h'"
        " WHERE ended_at IS NOT NULL",
    )

    swept = await lane.collector.sweep()

    left = await builders.fetch(
        lane.database, "SELECT DISTINCT document_id FROM upload_pipeline.document_vector_buffer"
    )
    assert (early, swept) == (0, len(TEXTS))
    assert left == [{"document_id": stays.document_id}]


async def test_batches_are_listed_with_what_waits_for_them_and_what_they_cost(
    lane: Batching,
) -> None:
    async def listed(*options: str) -> Outcome:
        url = lane.database.url
        return await asyncio.to_thread(ingest, "batches", *options, INGEST_DATABASE_URL=url)

    none = await listed()
    job = await lane.a_job()
    await lane.defer(job, *TEXTS)
    [filling] = (await listed("--json")).json()
    await lane.hand_over()
    await lane.collect()
    [over] = (await listed("--json", "--tenant", str(job.tenant_id))).json()

    unnamed = await listed()
    await TenantStore(lane.database).put(Tenant(job.tenant_id, "acme"))
    named = await listed()

    assert "no batches" in none.out
    assert "acme" in named.out
    assert (filling["status"], filling["texts"], filling["jobs_waiting"]) == ("filling", 3, 1)
    assert filling["usd"] is None
    assert (over["status"], over["jobs_waiting"], over["error_code"]) == ("ended", 0, None)
    assert Decimal(over["usd"]) == Decimal("0.01") * over["charged_tokens"] / 1_000_000
    assert over["remote_id"] in unnamed.out
    assert (await listed("--json", "--tenant", "local")).json() == []
