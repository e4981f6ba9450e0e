"""The stages with their real stores in this process, and a story in which leases are lost."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from benchmarks.corpus import prose, write_markdown
from benchmarks.simulator import Simulator
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.app.intake.upload import Intake, UploadRequest
from ingest.app.pipeline.batch_vectors import PaidVectors
from ingest.app.pipeline.chunk import BatchLimits, ChunkStage, SpaceStores
from ingest.app.pipeline.embed import EmbedStage
from ingest.app.pipeline.messages import Batch
from ingest.app.pipeline.parse import ParseStage
from ingest.app.providers.rate_limiter import LocalRateLimiter
from ingest.app.providers.unpaid import UnpaidParser
from ingest.app.queue.end_attempt import FailedAttempts
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import ClaimedJob, Lane
from ingest.settings import Settings
from ingest.wiring import sources
from ingest.wiring.chunking import make_chunk_store, make_splitter
from ingest.wiring.embedding import make_embedder
from ingest.wiring.parsing import make_local_parser
from ingest.wiring.pipeline import retry_policy
from ingest.wiring.providers import quotas
from ingest.wiring.storage import open_blobs
from tests import builders
from tests.chaos import checker, reference
from tests.chaos.corpus import Item
from tests.chaos.evidence import Bills, Charged, Evidence, Finding
from tests.chaos.feed import Upload
from tests.chaos.sampler import Sampler

LEASE = timedelta(minutes=5)
_TWO_CHUNKS = BatchLimits(items=2, tokens=300_000, ways=1)
_DOCUMENTS = 4


class Worker:
    """One that claims, parses, cuts, embeds and publishes, step by step."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._jobs = JobStore(database)
        failed_attempts = FailedAttempts(self._jobs, retry_policy(settings))
        blobs, chunks = open_blobs(settings), make_chunk_store(settings, database)
        rate_limiter = LocalRateLimiter(quotas(settings))
        self._parser = make_local_parser(settings)
        self._embedder = make_embedder(settings, database, rate_limiter)
        self._parse = ParseStage(
            UnpaidParser(self._parser),
            blobs,
            fetcher=sources.make_fetcher(settings, database),
            texts=DocumentStore(database),
            failed_attempts=failed_attempts,
            lease=LEASE,
        )
        self._chunk = ChunkStage(
            make_splitter(settings),
            blobs,
            SpaceStores(chunks, chunks),
            failed_attempts=failed_attempts,
            lease=LEASE,
            limits=_TWO_CHUNKS,
        )
        self._embed = EmbedStage(
            PaidVectors(self._embedder, chunks),
            chunks,
            failed_attempts=failed_attempts,
            lease=LEASE,
        )

    async def claim(self, limit: int = 10) -> list[ClaimedJob]:
        """Take jobs."""
        return await self._jobs.claim(
            Lane.INTERACTIVE, after=ALL_TENANTS, limit=limit, worker_id=uuid4(), lease=LEASE
        )

    async def prepare(self, jobs: list[ClaimedJob]) -> list[Batch]:
        """Parse and cut."""
        batches: list[Batch] = []
        async for group in self._parse.run(jobs):
            batches += (await self._chunk.run(group)).batches
        return batches

    async def finish(self, batches: list[Batch]) -> None:
        """Embed and store, one batch after the other."""
        for batch in batches:
            await self._embed.run(batch)

    async def work(self) -> None:
        """Everything that can be claimed."""
        while jobs := await self.claim():
            await self.finish(await self.prepare(jobs))

    async def close(self) -> None:
        """Stop the parser and release connections."""
        await self._parser.close()
        await self._embedder.close()


class Workshop:
    """Two workers, an intake, and what it accepted."""

    def __init__(self, database: Database, simulator: Simulator, folder: Path) -> None:
        self._settings = Settings(
            database_url=database.url,
            blob_url=(folder / "blobs").as_uri(),
            embedder="openai",
            openai_base_url=f"{simulator.url}/v1",
            openai_api_keys="sk-of-the-test",
        )
        self._database = database
        self._simulator = simulator
        self._blobs = folder / "blobs"
        self._intake = Intake(open_blobs(self._settings), DocumentStore(database), max_bytes=10**6)
        self.tenant = uuid4()
        self.uploads: list[Upload] = []
        self.sampler = Sampler(database.url)
        self.first, self.second = (Worker(self._settings, database) for _ in range(2))

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Workshop"]:
        """Sample what can be seen until the context ends."""
        self.sampler.start()
        try:
            yield self
        finally:
            await asyncio.to_thread(self.sampler.stop)
            await self.first.close()
            await self.second.close()

    async def upload(self, name: str, seed: int, *, chars: int = 12_000) -> UUID:
        """Hand over a document, or its next version; returns the job."""
        text = write_markdown(prose(random.Random(f"{name}/{seed}"), chars))
        item = Item(name, f"{name}.md", text)

        async def body() -> AsyncIterator[bytes]:
            yield text

        request = UploadRequest(self.tenant, item.filename, "chaos", external_id=name)
        accepted = await self._intake.accept(request, body())
        self.uploads.append(
            Upload(
                self.tenant, accepted.document_id, accepted.job_id, accepted.generation, item,
                tries=1, sent_at=0, accepted_at=0,
            )
        )  # fmt: skip
        return accepted.job_id

    async def be_sampled(self) -> None:
        """Go on once the sampler has seen how things stand."""
        seen = self.sampler.samples
        async with asyncio.timeout(30):
            while self.sampler.samples < seen + 2:  # noqa: ASYNC110 - it is a thread
                await asyncio.sleep(0.01)

    async def lose_lease(self, job: ClaimedJob) -> None:
        """Let a lease run out, and rescue the job."""
        await builders.lose_lease(self._database, job)

    async def findings(self) -> list[Finding]:
        """What the checker says, once everything has ended."""
        evidence = await self.evidence()
        return await asyncio.to_thread(checker.check, evidence)

    async def evidence(self) -> Evidence:
        """What the checker judges by."""
        texts = self._simulator.client.get("/sim/texts").json()
        charged = [
            Charged(call["client_id"], call["tokens"], tuple(texts[call["client_id"]]))
            for call in self._simulator.calls()
            if call["tokens"]
        ]
        return await asyncio.to_thread(self._gather, Bills(charged))

    def _gather(self, bills: Bills) -> Evidence:
        passages = reference.read_all(upload.item for upload in self.uploads)
        return Evidence(
            url=self._database.url,
            blobs=self._blobs,
            uploads=self.uploads,
            refused=(),
            passages=passages,
            vectors=reference.embed_all(passages.values(), self._simulator.url),
            sampler=self.sampler,
            bills=bills,
        )


async def happen(workshop: Workshop) -> None:
    """Two workers side by side; new versions; a worker that is slow, overtaken, and goes on."""
    names = [f"report-{number}" for number in range(_DOCUMENTS)]
    for name in names:
        await workshop.upload(name, 1)
    first = await workshop.first.prepare(await workshop.first.claim(_DOCUMENTS // 2))
    await workshop.be_sampled()
    second = await workshop.second.prepare(await workshop.second.claim())
    await workshop.be_sampled()
    await asyncio.gather(workshop.first.finish(first), workshop.second.finish(second))
    for name in names:
        await workshop.upload(name, 2)
    await workshop.first.work()

    await workshop.upload("overtaken", 1)
    slow = await workshop.first.prepare(await workshop.first.claim())
    await workshop.first.finish(slow[:1])
    await workshop.upload("overtaken", 2, chars=2_000)
    await workshop.second.work()
    await workshop.first.finish(slow[1:])

    await workshop.upload("late", 1)
    [job] = await workshop.first.claim()
    late = await workshop.first.prepare([job])
    await workshop.lose_lease(job)
    await workshop.first.finish(late)
    await workshop.second.work()

    await workshop.upload("rescued", 1)
    [job] = await workshop.first.claim()
    slow = await workshop.first.prepare([job])
    await workshop.first.finish(slow[:1])
    await workshop.lose_lease(job)
    await workshop.second.work()
    await workshop.first.finish(slow[1:])
    await workshop.first.work()
