"""A deleted document stays deleted, whoever was working on it: no row and no blob comes back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.blob_store import ObjectBlobStore, open_blob_store
from ingest.app.pipeline.parse import ParseStage
from ingest.app.queue.end_attempt import FailedAttempts
from ingest.domain.arrival import Arrival
from ingest.domain.errors import ParseUnderway
from ingest.domain.job import ClaimedJob
from ingest.domain.retry import RetryPolicy
from tests import builders
from tests.fakes import FakeParser
from tests.integration.parsing_fixtures import ParsingFixture

CONTENT = b"The pilot boards at the outer buoy, two miles off the light."
KEPT = {"events", "pauses", "provider_calls", "spending", "embedding_models", "tombstones"}
"""Tables that outlive a document: its history, what was paid, and that it was deleted."""


class Watched:
    """A blob storage on which something happens behind each blob that is written."""

    def __init__(self, blobs: ObjectBlobStore, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._blobs = blobs
        self._meanwhile = meanwhile

    async def put(self, key: str, data: bytes) -> None:
        await self._blobs.put(key, data)
        await self._meanwhile()

    async def exists(self, key: str) -> bool:
        return await self._blobs.exists(key)

    async def delete(self, key: str) -> None:
        await self._blobs.delete(key)


async def take_in(
    database: Database, blobs: ObjectBlobStore, arrival: Arrival, content: bytes = CONTENT
) -> ClaimedJob:
    """An uploaded document, claimed."""
    assert arrival.raw_key is not None
    await blobs.put(arrival.raw_key, content)
    return await builders.a_claimed_job(database, arrival)


async def delete(database: Database, blobs: ObjectBlobStore, job: ClaimedJob) -> None:
    store = DocumentStore(database)
    assert await store.delete(job.document_id, job.tenant_id, remove_blob=blobs.delete)


async def run_stage(
    database: Database,
    blobs: ObjectBlobStore,
    job: ClaimedJob,
    meanwhile: Callable[[], Awaitable[None]],
) -> int:
    """Parse one job while something happens; how many go on to be chunked."""

    async def read(data: bytes) -> str:
        await meanwhile()
        return data.decode()

    stage = ParseStage(
        FakeParser(read),
        blobs,
        fetcher=builders.a_fetcher(database, blobs),
        texts=DocumentStore(database),
        failed_attempts=FailedAttempts(JobStore(database), RetryPolicy()),
        lease=builders.LEASE,
    )
    return sum([len(group) async for group in stage.run([job])])


async def rows_left(database: Database, tenant_id: UUID) -> dict[str, int]:
    tables = await builders.fetch(
        database,
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'upload_pipeline' AND column_name = 'tenant_id'",
    )
    left = {}
    for table in {row["table_name"] for row in tables} - KEPT:
        [row] = await builders.fetch(
            database,
            f"SELECT count(*) AS n FROM upload_pipeline.{table} WHERE tenant_id = $1",
            tenant_id,
        )
        if row["n"]:
            left[table] = row["n"]
    return left


def files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


async def test_a_document_deleted_while_it_is_parsed_leaves_nothing(
    database: Database, tmp_path: Path
) -> None:
    blobs = open_blob_store(tmp_path.as_uri())
    job = await take_in(database, blobs, builders.an_arrival(content=CONTENT))

    went_on = await run_stage(database, blobs, job, lambda: delete(database, blobs, job))

    assert went_on == 0
    assert files(tmp_path) == []
    assert await rows_left(database, job.tenant_id) == {}


async def test_a_text_that_comes_late_stays_when_another_document_has_it(
    database: Database, tmp_path: Path
) -> None:
    blobs, tenant_id = open_blob_store(tmp_path.as_uri()), builders.a_tenant()
    twin = await take_in(database, blobs, builders.an_arrival(tenant_id, CONTENT, external_id="b"))
    assert await run_stage(database, blobs, twin, lambda: asyncio.sleep(0)) == 1
    job = await take_in(database, blobs, builders.an_arrival(tenant_id, CONTENT, external_id="a"))

    await run_stage(database, blobs, job, lambda: delete(database, blobs, job))

    assert sorted(name.split("/")[2] for name in files(tmp_path)) == ["parsed", "raw"]
    text = await DocumentStore(database).get(twin.document_id, tenant_id)
    assert text is not None
    assert text.parsed_key is not None
    assert await blobs.exists(text.parsed_key)


async def test_a_text_that_comes_late_stays_when_its_job_was_only_rescued(
    database: Database, tmp_path: Path
) -> None:
    blobs = open_blob_store(tmp_path.as_uri())
    job = await take_in(database, blobs, builders.an_arrival(content=CONTENT))

    went_on = await run_stage(database, blobs, job, lambda: builders.lose_lease(database, job))

    assert went_on == 0
    assert sorted(name.split("/")[2] for name in files(tmp_path)) == ["parsed", "raw"]


async def test_the_text_of_a_generation_that_was_replaced_while_it_was_parsed_is_not_kept(
    database: Database, tmp_path: Path
) -> None:
    blobs, tenant_id = open_blob_store(tmp_path.as_uri()), builders.a_tenant()
    job = await take_in(database, blobs, builders.an_arrival(tenant_id, CONTENT, external_id="a"))
    newer = builders.an_arrival(tenant_id, b"newer", external_id="a")

    async def replace() -> None:
        await builders.accept(database, newer)

    await run_stage(database, blobs, job, replace)

    assert [name.split("/")[2] for name in files(tmp_path)] == ["raw"]


@pytest.fixture
async def handed_over(parsing: ParsingFixture, database: Database) -> ClaimedJob:
    """A document whose parse is at the provider."""
    job = await take_in(
        database, parsing.blobs, builders.an_arrival(parsing.tenant, CONTENT, external_id="a")
    )
    with pytest.raises(ParseUnderway):
        await parsing.parse(CONTENT)
    return job


async def test_a_document_deleted_while_its_parse_is_at_the_provider_leaves_nothing(
    parsing: ParsingFixture, database: Database, handed_over: ClaimedJob, tmp_path: Path
) -> None:
    await delete(database, parsing.blobs, handed_over)

    for _ in range(5):
        assert await parsing.collector.collect() == 0
        await asyncio.sleep(0.05)

    assert files(tmp_path) == []
    assert await rows_left(database, handed_over.tenant_id) == {}
    assert await parsing.calls() == [("reserved", None)]
    await builders.execute(
        database, "UPDATE upload_pipeline.provider_calls SET expires_at = now() - interval '1 s'"
    )
    await parsing.ledger.expire()
    assert [state for state, _ in await parsing.calls()] == ["unknown"]


async def test_a_document_deleted_while_its_parse_is_fetched_leaves_nothing(
    parsing: ParsingFixture,
    database: Database,
    handed_over: ClaimedJob,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetched = asyncio.Event()

    async def strike() -> None:
        fetched.set()
        await delete(database, parsing.blobs, handed_over)

    monkeypatch.setattr(parsing.collector, "_blobs", Watched(parsing.blobs, strike))
    async with asyncio.timeout(30):
        while not fetched.is_set():
            await parsing.collector.collect()

    assert files(tmp_path) == []
    assert await rows_left(database, handed_over.tenant_id) == {}


async def test_a_document_deleted_between_its_parse_and_its_next_attempt_leaves_nothing(
    parsing: ParsingFixture, database: Database, handed_over: ClaimedJob, tmp_path: Path
) -> None:
    await parsing.settle_down()
    assert any("/parsed/" in name for name in files(tmp_path))

    await delete(database, parsing.blobs, handed_over)

    assert files(tmp_path) == []
    assert await rows_left(database, handed_over.tenant_id) == {}


async def test_a_parse_stays_while_another_document_waits_for_it(
    parsing: ParsingFixture, database: Database, handed_over: ClaimedJob
) -> None:
    twin = await take_in(
        database, parsing.blobs, builders.an_arrival(parsing.tenant, CONTENT, external_id="b")
    )
    await parsing.settle_down()

    await delete(database, parsing.blobs, handed_over)

    assert (await parsing.through(CONTENT)).text
    [parse] = await parsing.rows("parse_jobs")
    assert await parsing.blobs.exists(parse["parsed_key"])
    await delete(database, parsing.blobs, twin)
    assert await parsing.rows("parse_jobs") == []
    assert not await parsing.blobs.exists(parse["parsed_key"])


async def test_a_document_deleted_while_a_batch_is_embedded_is_not_brought_back(
    database: Database,
) -> None:
    job = await builders.a_claimed_job(database)
    chunks = builders.numbered_chunks(job, 4)
    missing = await builders.plan(database, job, chunks)
    await builders.store(database, job, missing[:2])

    store = DocumentStore(database)
    assert await store.delete(
        job.document_id, job.tenant_id, remove_blob=lambda _: asyncio.sleep(0)
    )
    late = await builders.store(database, job, missing[2:])

    assert (late.published, late.stale) == (frozenset(), frozenset({job.lease.job_id}))
    assert await rows_left(database, job.tenant_id) == {}
    assert not await JobStore(database).replay(job.lease.job_id, job.tenant_id)
    assert await JobStore(database).rescue(max_rescues=3) == []
    assert await builders.claim(database, lease=timedelta(minutes=1)) == []
