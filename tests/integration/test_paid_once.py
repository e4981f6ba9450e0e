"""A document of ten thousand chunks dies near its end: what was stored is not paid for again."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta

import pytest

from benchmarks.simulator import Simulator, running_simulator
from ingest.adapters.auth.provider_keys import Keys
from ingest.adapters.embedders.openai.embedding import OpenAIEmbedding
from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.app.pipeline.batch_vectors import PaidVectors
from ingest.app.pipeline.chunk import BatchLimits, batches_of
from ingest.app.pipeline.embed import EmbedStage
from ingest.app.providers.calls import ProviderCalls
from ingest.app.providers.paid_embedder import PaidEmbedder
from ingest.app.providers.rate_limiter import LocalRateLimiter, Quota
from ingest.app.queue.end_attempt import FailedAttempts
from ingest.domain.attempt import DocumentChunks, StoredBatch
from ingest.domain.embedding import Vectors
from ingest.domain.errors import IngestError, LeaseLost, StoreUnavailable
from ingest.domain.job import ClaimedJob, Lane
from ingest.domain.pricing import Operation, Payer
from ingest.domain.provider_specs import builtin_prices
from ingest.domain.retry import RetryPolicy
from tests import builders
from tests.builders import LARGE_MODEL, numbered_chunks

pytestmark = pytest.mark.timeout(300)
CHUNKS, BATCH = 10_000, 500
LIMITS = BatchLimits(items=BATCH, tokens=300_000, ways=1)


class DiesBeforeStoring(ChunkStore):
    """Its process is gone when the answer is there, and no row of it."""

    reached = asyncio.Event()

    async def store(
        self, documents: Sequence[DocumentChunks], vectors: Vectors, *, lease: timedelta
    ) -> StoredBatch:
        self.reached.set()
        await asyncio.Event().wait()
        raise AssertionError("it was not stopped")


@pytest.fixture
def openai() -> Iterator[Simulator]:
    with running_simulator("openai", "--tpm", "100000000", "--rpm", "60000") as simulator:
        yield simulator


@pytest.fixture
async def embedder(openai: Simulator, database: Database) -> AsyncIterator[PaidEmbedder]:
    rate_limiter = LocalRateLimiter({"openai": Quota(60_000, 100_000_000)})
    calls = ProviderCalls(
        "openai", rate_limiter=rate_limiter, ledger=LedgerStore(database), keys=Keys("sk-test")
    )
    service = OpenAIEmbedding(LARGE_MODEL, base_url=f"{openai.url}/v1", timeout_seconds=60)
    made = PaidEmbedder(service, calls, prices=builtin_prices())
    yield made
    await made.close()


async def test_a_crash_at_99_percent_pays_again_for_what_was_in_flight_alone(
    database: Database, openai: Simulator, embedder: PaidEmbedder
) -> None:
    await builders.execute(database, "DROP INDEX upload_pipeline.idx_hnsw_chunks_te3s_v1")
    store = ChunkStore(database, LARGE_MODEL, chunker=builders.CHUNKER)
    failed_attempts = FailedAttempts(JobStore(database), RetryPolicy())
    vectors = PaidVectors(embedder, store)
    stage = EmbedStage(vectors, store, failed_attempts=failed_attempts, lease=builders.LEASE)
    job = await builders.a_claimed_job(database)
    chunks = numbered_chunks(job, CHUNKS)

    async def planned(claimed: ClaimedJob) -> list[DocumentChunks]:
        missing = await builders.plan(database, claimed, chunks, model=LARGE_MODEL)
        return [builders.share(claimed, missing)]

    *done, last = batches_of([(job, document) for document in await planned(job)], LIMITS)
    for batch in done:
        await stage.run(batch)
    dying = DiesBeforeStoring(database, LARGE_MODEL, chunker=builders.CHUNKER)
    last_stage = EmbedStage(vectors, dying, failed_attempts=failed_attempts, lease=builders.LEASE)
    death = asyncio.create_task(last_stage.run(last))
    await dying.reached.wait()
    death.cancel()
    await builders.lose_lease(database, job)
    [again] = await builders.claim(database)
    rest = batches_of([(again, document) for document in await planned(again)], LIMITS)
    outcomes = [await stage.run(batch) for batch in rest]

    assert sum(len(batch.chunks) for batch in rest) == BATCH
    assert outcomes[-1].published == {job.lease.job_id}
    stats = openai.stats()
    assert stats["distinct_inputs_billed"] == CHUNKS
    assert stats["inputs_billed_again"] == BATCH


@pytest.mark.parametrize("answer", [LeaseLost, StoreUnavailable])
async def test_what_is_not_wanted_any_more_is_not_sent(
    database: Database, openai: Simulator, embedder: PaidEmbedder, answer: type[IngestError]
) -> None:
    async def wanted() -> bool:
        if answer is StoreUnavailable:
            raise StoreUnavailable
        return False

    payer = Payer(builders.a_tenant(), Lane.INTERACTIVE, Operation.EMBED)
    with pytest.raises(answer):
        await embedder.embed(["a text"], payer=payer, wanted=wanted)

    assert openai.stats()["requests"] == 0
    [call] = await builders.fetch(database, "SELECT state FROM upload_pipeline.provider_calls")
    assert call["state"] == "released"
