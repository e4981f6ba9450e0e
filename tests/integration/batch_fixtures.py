"""The lane batch without Ray: jobs that leave their texts, and who hands them over and collects."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from benchmarks.simulator import Simulator
from ingest.adapters.auth.provider_keys import Keys
from ingest.adapters.embedders.openai.batch_api import OpenAIBatches
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.adapters.postgres.providers.provider_batch_store import BatchView, ProviderBatchStore
from ingest.adapters.postgres.providers.vector_buffer_store import VectorBufferStore
from ingest.app.pipeline.batch_vectors import PaidVectors
from ingest.app.pipeline.embed import EmbedStage
from ingest.app.pipeline.messages import Batch
from ingest.app.providers.batch_embedder import BatchEmbedder
from ingest.app.providers.batch_poller import BatchPoller
from ingest.app.providers.batch_submitter import BatchSubmitter, BatchTerms
from ingest.app.providers.calls import ProviderCalls
from ingest.app.providers.rate_limiter import LocalRateLimiter, Quota
from ingest.app.queue.end_attempt import FailedAttempts
from ingest.domain.attempt import Target
from ingest.domain.batch_api import BatchRoom, Deferred
from ingest.domain.job import ClaimedJob, Lane
from ingest.domain.provider_specs import builtin_prices
from ingest.domain.retry import RetryPolicy
from tests import builders
from tests.builders import LARGE_MODEL, LEASE, some_chunks

OPTIONS = ("--key", "sk-good", "--batch-seconds", "0.2", "--poison", "POISON")
TEXTS = ("one buoy", "two buoys", "three buoys")
AT_MOST = timedelta(days=7)
SOON = timedelta(milliseconds=1)
DAY = timedelta(days=1)


class Batching:
    """Everything that works on provider batches, with one simulated provider."""

    def __init__(
        self,
        simulator: Simulator,
        database: Database,
        *,
        texts: int = 1000,
        queue_tokens: int = 1_000_000,
        window: timedelta = DAY,
    ) -> None:
        self.simulator = simulator
        self.database = database
        self.ledger = LedgerStore(database)
        self.batches = ProviderBatchStore(database)
        self.texts = VectorBufferStore(database, BatchRoom(texts, 10**8, queue_tokens))
        self.chunks = builders.chunk_store(database, LARGE_MODEL)
        keys = Keys("sk-good")
        service = OpenAIBatches(base_url=f"{simulator.url}/v1", timeout_seconds=10)
        self.collector = BatchPoller(
            service, keys=keys, batches=self.batches, prices=builtin_prices(), poll=SOON
        )
        rate_limiter = LocalRateLimiter({"openai": Quota(60_000, 60_000_000)})
        self.submitter = BatchSubmitter(
            service,
            ProviderCalls("openai", rate_limiter=rate_limiter, ledger=self.ledger, keys=keys),
            batches=self.batches,
            prices=builtin_prices(),
            terms=BatchTerms(quiet=SOON, poll=SOON, window=window, queue_tokens=queue_tokens),
        )
        failed_attempts = FailedAttempts(JobStore(database), RetryPolicy())
        self.stage = EmbedStage(
            PaidVectors(BatchEmbedder(LARGE_MODEL, self.texts), self.chunks),
            self.chunks,
            failed_attempts=failed_attempts,
            lease=LEASE,
        )

    async def a_job(self, tenant_id: UUID | None = None) -> ClaimedJob:
        """A new document of the lane batch, claimed and parsed."""
        accepted = await builders.accept(
            self.database, builders.an_arrival(tenant_id, lane=Lane.BATCH)
        )
        [job] = await builders.claim(self.database, lane=Lane.BATCH)
        assert job.lease.job_id == accepted.job_id
        return job

    async def defer(self, job: ClaimedJob, *texts: str) -> Deferred:
        """Cut a document into these texts and leave them."""
        await builders.record_parsed(self.database, job)
        share = builders.share(job, some_chunks(job, *texts))
        planned, _ = await self.chunks.plan([share], lease=LEASE)
        return await self.texts.defer(planned, LARGE_MODEL, at_most=AT_MOST)

    async def go_on(self, texts: dict[UUID, Sequence[str]]) -> list[ClaimedJob]:
        """What a stream does with the jobs that are due; ``texts`` by job."""
        jobs = await builders.claim(self.database, limit=100, lane=Lane.BATCH)
        for job in jobs:
            deferred = await self.defer(job, *texts[job.lease.job_id])
            for ready in deferred.ready:
                assert ready.target == Target.of(job)
                await self.stage.run(Batch((job,), (ready,)))
        return jobs

    async def hand_over(self) -> int:
        await asyncio.sleep(0.01)
        return await self.submitter.submit()

    async def collect(self, *, batches: int = 1) -> None:
        """Look until so many batches are over."""
        async with asyncio.timeout(15):
            while batches > 0:
                batches -= await self.collector.collect()
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self.submitter.close()
        await self.collector.close()

    async def listed(self) -> list[BatchView]:
        return await self.batches.newest(None, limit=100)

    async def states(self) -> list[str]:
        return [str(batch.status) for batch in reversed(await self.listed())]

    async def calls(self) -> list[dict[str, Any]]:
        query = "SELECT * FROM upload_pipeline.provider_calls ORDER BY reserved_at"
        return await builders.fetch(self.database, query)

    async def look_again(self) -> None:
        """As if the time to hand over, or to ask, had come."""
        await builders.execute(
            self.database, "UPDATE upload_pipeline.provider_batches SET poll_after = now()"
        )

    async def job_row(self, job: ClaimedJob) -> dict[str, Any]:
        [row] = await builders.fetch(
            self.database,
            "SELECT * FROM upload_pipeline.upload_jobs WHERE job_id = $1",
            job.lease.job_id,
        )
        return row

    async def ensure_balanced(self) -> None:
        """Ledger and provider agree on every call, and nothing is still set aside."""
        calls = await self.calls()
        charged = {c["client_id"]: c["tokens"] for c in self.simulator.calls() if c["tokens"]}
        assert {str(c["call_id"]): c["units"] for c in calls if c["state"] == "settled"} == charged
        assert {call["state"] for call in calls} <= {"settled", "released"}
        query = "SELECT coalesce(sum(reserved_usd), 0) AS usd FROM upload_pipeline.spending"
        [row] = await builders.fetch(self.database, query)
        assert row["usd"] == 0


@asynccontextmanager
async def batching(
    simulator: Simulator,
    database: Database,
    *,
    texts: int = 1000,
    queue_tokens: int = 1_000_000,
    window: timedelta = DAY,
) -> AsyncIterator[Batching]:
    """All of it, with these limits."""
    made = Batching(simulator, database, texts=texts, queue_tokens=queue_tokens, window=window)
    yield made
    await made.close()
