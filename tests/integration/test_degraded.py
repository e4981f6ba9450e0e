"""Documents made searchable without their provider: marked, seen whole, and made again once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest

from ingest.adapters.postgres.documents.chunk_store import ChunkStore
from ingest.adapters.postgres.documents.document_store import DocumentStore, DocumentView
from ingest.adapters.postgres.jobs.counter_store import CounterStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.adapters.text_analysis.query import parse
from ingest.domain.attempt import Settlement
from ingest.domain.chunk import Chunk
from ingest.domain.errors import DocumentUnreadable, ParseUnderway, ProviderPaused
from ingest.domain.job import Cause, ClaimedJob, Degraded, JobState, WaitReason
from tests import builders
from tests.builders import LARGE_MODEL, MODEL, some_chunks, some_vectors

PAUSED = ProviderPaused("openai is not called for 5 seconds")
EMBEDDER = Degraded.EMBEDDER
BOTH = [Degraded.PARSER, Degraded.EMBEDDER]


async def degrade(database: Database, job: ClaimedJob, part: Degraded = EMBEDDER) -> ClaimedJob:
    """End an attempt because a provider is away; the job as it is claimed for the next one."""
    settlement = Settlement(JobState.QUEUED, PAUSED, degrade=part)
    assert await JobStore(database).settle(job.lease, settlement)
    [again] = await builders.claim(database)
    assert again.lease.job_id == job.lease.job_id
    return again


async def publish_by_fallback(database: Database, job: ClaimedJob, chunks: Sequence[Chunk]) -> None:
    """What the stages do with a job that embeds here."""
    assert job.embeds_by_fallback
    await builders.record_parsed(database, job)
    store = ChunkStore(database, MODEL, chunker=builders.CHUNKER, is_fallback=True)
    [missing], _ = await store.plan([builders.share(job, chunks)], lease=builders.LEASE)
    vectors = some_vectors(len(missing.chunks))
    assert (await store.store([missing], vectors, lease=builders.LEASE)).published


async def a_degraded_document(database: Database, *texts: str) -> ClaimedJob:
    job = await degrade(database, await builders.a_claimed_job(database))
    await publish_by_fallback(database, job, some_chunks(job, *texts))
    return job


async def view(database: Database, job: ClaimedJob) -> DocumentView:
    found = await DocumentStore(database).get(job.document_id, job.tenant_id)
    assert found is not None
    return found


async def listed(database: Database, job: ClaimedJob) -> list[tuple[str, str]]:
    chunks = await SearchStore(database, MODEL).list_chunks(job.document_id, job.tenant_id)
    return [(chunk.text, chunk.embed_model) for chunk in chunks]


async def upgrade(
    database: Database, parts: Sequence[Degraded] = BOTH, *, limit: int = 10, probing: bool = False
) -> int:
    return await JobStore(database).upgrade(parts, limit=limit, probing=probing)


async def test_what_a_paid_attempt_stored_is_kept_unseen_and_used_later(
    database: Database,
) -> None:
    job = await builders.a_claimed_job(database)
    chunks = some_chunks(job, "one", "two", "three")
    await builders.plan(database, job, chunks, model=LARGE_MODEL)
    await builders.store(database, job, chunks[:2], model=LARGE_MODEL)
    job = await degrade(database, job)

    await publish_by_fallback(database, job, chunks)
    served = await listed(database, job)
    await upgrade(database)
    [again] = await builders.claim(database)
    missing = await builders.plan(database, again, chunks, model=LARGE_MODEL)
    await builders.store(database, again, missing, model=LARGE_MODEL)

    assert served == [(text, MODEL.name) for text in ("one", "two", "three")]
    assert [chunk.text for chunk in missing] == ["three"]
    assert await listed(database, job) == [
        (text, LARGE_MODEL.name) for text in ("one", "two", "three")
    ]
    rows = await builders.fetch(database, "SELECT embed_model FROM upload_pipeline.document_chunks")
    assert {row["embed_model"] for row in rows} == {LARGE_MODEL.name}


async def test_each_space_finds_only_what_it_serves(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    chunks = some_chunks(job, "one")
    await builders.plan(database, job, chunks, model=LARGE_MODEL)
    await builders.store(database, job, (), model=LARGE_MODEL)
    job = await degrade(database, job)
    await publish_by_fallback(database, job, chunks)
    await upgrade(database)
    [again] = await builders.claim(database)
    large, small = (SearchStore(database, model) for model in (LARGE_MODEL, MODEL))

    async def found() -> tuple[int, int]:
        tenant_id = job.tenant_id
        return (
            len(
                await large.search(
                    some_vectors(1, LARGE_MODEL)[0], tenant_id, limit=9, words=parse("one")
                )
            ),
            len(await small.search(some_vectors(1)[0], tenant_id, limit=9, words=parse("one"))),
        )

    seen = [await found()]
    missing = await builders.plan(database, again, chunks, model=LARGE_MODEL)
    seen.append(await found())
    await builders.store(database, again, missing, model=LARGE_MODEL)
    seen.append(await found())

    assert seen == [(0, 1), (0, 1), (1, 0)]


async def test_an_edit_that_degrades_keeps_the_vectors_of_what_did_not_change(
    database: Database,
) -> None:
    first = await builders.a_claimed_job(database, builders.an_arrival(external_id="a"))
    old = some_chunks(first, "same", "old")
    vectors = some_vectors(2, LARGE_MODEL)
    await builders.publish(database, first, old, vectors=vectors, model=LARGE_MODEL)
    edit = builders.an_arrival(first.tenant_id, external_id="a")
    job = await degrade(database, await builders.a_claimed_job(database, edit))
    new = some_chunks(job, "same", "new")

    await publish_by_fallback(database, job, new)
    fallback = await listed(database, job)
    await upgrade(database)
    [again] = await builders.claim(database)
    missing = await builders.plan(database, again, new, model=LARGE_MODEL)
    await builders.store(database, again, missing, model=LARGE_MODEL)

    assert fallback == [("same", MODEL.name), ("new", MODEL.name)]
    assert [chunk.text for chunk in missing] == ["new"]
    rows = await builders.fetch(
        database, "SELECT text, embedding FROM upload_pipeline.document_chunks ORDER BY chunk_ord"
    )
    assert [row["text"] for row in rows] == ["same", "new"]
    assert np.array_equal(rows[0]["embedding"].to_numpy(), vectors[0])


async def test_a_degraded_document_says_so_until_it_is_made_again(database: Database) -> None:
    job = await a_degraded_document(database, "one")
    before = await view(database, job)
    counts = await CounterStore(database).documents()
    await upgrade(database)
    [again] = await builders.claim(database)
    await builders.publish(database, again, some_chunks(again, "one"), model=LARGE_MODEL)
    after = await view(database, job)

    assert (before.degraded, before.live_generation, counts.degraded) == ((EMBEDDER,), 1, 1)
    assert (again.cause, again.degraded) == (Cause.UPGRADE, frozenset())
    assert (after.degraded, after.live_generation) == ((), 2)
    assert (await CounterStore(database).documents()).degraded == 0
    assert await upgrade(database) == 0


async def test_a_text_that_was_made_here_is_parsed_again_and_another_is_not(
    database: Database,
) -> None:
    parsed_here = await degrade(database, await builders.a_claimed_job(database), Degraded.PARSER)
    await builders.publish(database, parsed_here, some_chunks(parsed_here, "text"))
    embedded_here = await a_degraded_document(database, "text")

    assert await upgrade(database) == 2
    jobs = {job.document_id: job for job in await builders.claim(database, limit=2)}

    assert jobs[parsed_here.document_id].parsed_key is None
    assert jobs[embedded_here.document_id].parsed_key is not None
    deleted: list[str] = []

    async def remove(key: str) -> None:
        deleted.append(key)

    await DocumentStore(database).delete(
        parsed_here.document_id, parsed_here.tenant_id, remove_blob=remove
    )
    assert builders.a_record(parsed_here).parsed_key in deleted


@pytest.mark.parametrize(
    ("parts", "expected"),
    [([], 0), ([Degraded.PARSER], 0), ([Degraded.EMBEDDER], 1), (BOTH, 1)],
)
async def test_a_document_is_made_again_only_when_its_provider_is_back(
    database: Database, parts: list[Degraded], expected: int
) -> None:
    await a_degraded_document(database, "one")

    assert await upgrade(database, parts) == expected


async def test_upgrades_that_start_together_make_each_document_once(database: Database) -> None:
    for _ in range(5):
        await a_degraded_document(database, "one")

    started = await asyncio.gather(*(upgrade(database, limit=4) for _ in range(4)))
    started.append(await upgrade(database))

    assert sum(started) == 5
    rows = await builders.fetch(
        database, "SELECT 1 FROM upload_pipeline.upload_jobs WHERE cause = 'upgrade'"
    )
    assert len(rows) == 5


async def test_newer_content_takes_the_place_of_an_upgrade(database: Database) -> None:
    arrival = builders.an_arrival(external_id="a")
    job = await degrade(database, await builders.a_claimed_job(database, arrival))
    await publish_by_fallback(database, job, some_chunks(job, "one"))
    await upgrade(database)

    newer = await builders.accept(database, builders.an_arrival(job.tenant_id, external_id="a"))
    [claimed] = await builders.claim(database, limit=5)

    assert claimed.lease.job_id == newer.job_id
    assert claimed.generation == 3


async def test_an_upgrade_that_fails_leaves_the_document_as_it_is(database: Database) -> None:
    job = await a_degraded_document(database, "one")
    await upgrade(database)
    [again] = await builders.claim(database)
    failure = Settlement(JobState.DEADLETTER, DocumentUnreadable("torn"), costs_attempt=True)
    assert await JobStore(database).settle(again.lease, failure)

    assert await listed(database, job) == [("one", MODEL.name)]
    assert (await view(database, job)).degraded == (EMBEDDER,)
    assert await upgrade(database) == 0


async def test_one_probe_is_enough_to_find_out(database: Database) -> None:
    for _ in range(3):
        await a_degraded_document(database, "one")
    await upgrade(database, limit=1, probing=True)
    [probe] = await builders.claim(database)
    waits = Settlement(
        JobState.WAITING,
        PAUSED,
        wait_reason=WaitReason.PROVIDER,
        wait_at_most=timedelta(days=1),
    )
    assert await JobStore(database).settle(probe.lease, waits)

    assert await upgrade(database, limit=1, probing=True) == 0
    assert await upgrade(database) == 2


@pytest.mark.parametrize("has_text", [False, True])
async def test_a_job_that_waits_for_its_parse_is_not_degraded_by_it(
    database: Database, has_text: bool
) -> None:
    job = await degrade(database, await builders.a_claimed_job(database), Degraded.PARSER)
    if has_text:
        await builders.record_parsed(database, job)
    waits = Settlement(
        JobState.WAITING,
        ParseUnderway() if not has_text else PAUSED,
        wait_reason=WaitReason.PROVIDER,
        wait_at_most=timedelta(days=1),
    )
    assert await JobStore(database).settle(job.lease, waits)

    assert await degraded_of(database, job.lease.job_id) == (["parser"] if has_text else [])


async def degraded_of(database: Database, job_id: UUID) -> list[str]:
    [row] = await builders.fetch(
        database, "SELECT degraded FROM upload_pipeline.upload_jobs WHERE job_id = $1", job_id
    )
    found: list[str] = row["degraded"]
    return found
