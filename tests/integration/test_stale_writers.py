"""Writers without a valid lease change nothing, whichever way they write."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.attempt import Settlement, Target
from ingest.domain.errors import DocumentUnreadable, InputRefused, ProviderPaused
from ingest.domain.job import ClaimedJob, JobState, WaitReason
from tests import builders
from tests.builders import numbered_chunks, some_vectors

Write = Callable[[Database, ClaimedJob], Awaitable[None]]
COUNT = 8
OWN = slice(0, 3)
"""What the new owner has stored when the stale writer comes."""


async def write_text(database: Database, job: ClaimedJob) -> None:
    assert await builders.record_parsed(database, job) == set()


async def write_plan(database: Database, job: ClaimedJob) -> None:
    shares = [builders.share(job, numbered_chunks(job, COUNT))]
    missing, lost = await builders.chunk_store(database).plan(shares, lease=builders.LEASE)
    assert (missing, lost) == ([], frozenset({job.lease.job_id}))


async def write_rows_nobody_has(database: Database, job: ClaimedJob) -> None:
    await write_rows(database, job, slice(3, COUNT))


async def write_rows_that_are_there(database: Database, job: ClaimedJob) -> None:
    await write_rows(database, job, OWN)


async def write_both(database: Database, job: ClaimedJob) -> None:
    await write_rows(database, job, slice(0, COUNT))


async def write_no_rows(database: Database, job: ClaimedJob) -> None:
    await write_rows(database, job, slice(0, 0))


async def write_rows(database: Database, job: ClaimedJob, part: slice) -> None:
    outcome = await builders.store(database, job, numbered_chunks(job, COUNT)[part])
    assert (outcome.published, outcome.stale) == (frozenset(), frozenset({job.lease.job_id}))


async def write_without_a_chunk(database: Database, job: ClaimedJob) -> None:
    [refused] = numbered_chunks(job, COUNT)[3:4]
    outcome = await builders.chunk_store(database).leave_out(
        Target.of(job), refused, InputRefused(), lease=builders.LEASE
    )
    assert (outcome.published, outcome.stale) == (frozenset(), frozenset({job.lease.job_id}))


async def write_end(database: Database, job: ClaimedJob) -> None:
    for state in (JobState.QUEUED, JobState.RETRYABLE, JobState.DEADLETTER):
        settlement = Settlement(state, DocumentUnreadable(), costs_attempt=True)
        assert not await JobStore(database).settle(job.lease, settlement)


async def write_wait(database: Database, job: ClaimedJob) -> None:
    for reason, parse_job_id in ((WaitReason.PROVIDER, None), (WaitReason.PARSE, uuid4())):
        settlement = Settlement(
            JobState.WAITING,
            ProviderPaused(),
            wait_reason=reason,
            wait_at_most=timedelta(days=1),
            parse_job_id=parse_job_id,
        )
        assert not await JobStore(database).settle(job.lease, settlement)


WRITES = [
    write_text,
    write_plan,
    write_rows_nobody_has,
    write_rows_that_are_there,
    write_both,
    write_no_rows,
    write_without_a_chunk,
    write_end,
    write_wait,
]


async def a_job_with_rows(database: Database) -> ClaimedJob:
    job = await builders.a_claimed_job(database, builders.an_arrival(external_id="a"))
    await builders.plan(database, job, numbered_chunks(job, COUNT))
    await builders.store(database, job, numbered_chunks(job, COUNT)[OWN])
    return job


async def rescued(database: Database, job: ClaimedJob) -> None:
    await builders.lose_lease(database, job)


async def claimed_by_another(database: Database, job: ClaimedJob) -> None:
    await builders.lose_lease(database, job)
    [again] = await builders.claim(database)
    await builders.plan(database, again, numbered_chunks(job, COUNT))


async def published_by_another(database: Database, job: ClaimedJob) -> None:
    await builders.lose_lease(database, job)
    [again] = await builders.claim(database)
    await builders.publish(database, again, numbered_chunks(job, COUNT)[:5])


async def dead_lettered(database: Database, job: ClaimedJob) -> None:
    await JobStore(database).settle(
        job.lease, Settlement(JobState.DEADLETTER, DocumentUnreadable())
    )


async def superseded(database: Database, job: ClaimedJob) -> None:
    newer = builders.an_arrival(job.tenant_id, external_id="a")
    [again] = [await builders.a_claimed_job(database, newer)]
    await builders.plan(database, again, numbered_chunks(again, COUNT))


async def deleted(database: Database, job: ClaimedJob) -> None:
    async def keep(_key: str) -> None:
        return

    assert await DocumentStore(database).delete(job.document_id, job.tenant_id, remove_blob=keep)


LOSSES = [rescued, claimed_by_another, published_by_another, dead_lettered, superseded, deleted]


@pytest.mark.parametrize("lose", LOSSES)
async def test_a_writer_without_lease_changes_no_row(database: Database, lose: Write) -> None:
    job = await a_job_with_rows(database)
    await lose(database, job)
    before = await builders.snapshot(database)

    for write in WRITES:
        await write(database, job)
        assert await builders.snapshot(database) == before, write.__name__


async def test_the_heartbeat_of_a_rescued_worker_extends_nothing(database: Database) -> None:
    await builders.accept(database)
    worker_id = uuid4()
    [job] = await builders.claim(database, worker_id=worker_id)
    await claimed_by_another(database, job)
    before = await builders.snapshot(database)

    await JobStore(database).heartbeat(
        worker_id, lease=timedelta(hours=9), stage_timeout=timedelta(hours=1)
    )

    assert await builders.snapshot(database) == before


@pytest.mark.parametrize("present", [False, True])
async def test_a_stale_share_does_not_hinder_the_others_of_its_batch(
    database: Database, present: bool
) -> None:
    stale = await a_job_with_rows(database)
    alive = await builders.a_claimed_job(database)
    await builders.plan(database, alive, numbered_chunks(alive, 2))
    if present:
        await builders.store(database, alive, numbered_chunks(alive, 1))
    await builders.lose_lease(database, stale)

    outcome = await builders.chunk_store(database).store(
        [
            builders.share(stale, numbered_chunks(stale, COUNT)),
            builders.share(alive, numbered_chunks(alive, 2)),
        ],
        some_vectors(COUNT + 2),
        lease=builders.LEASE,
    )

    assert outcome.published == {alive.lease.job_id}
    assert outcome.stale == {stale.lease.job_id}
    rows = await builders.fetch(
        database,
        "SELECT document_id, count(*) AS n FROM upload_pipeline.document_chunks GROUP BY 1",
    )
    assert {row["document_id"]: row["n"] for row in rows} == {
        stale.document_id: 3,
        alive.document_id: 2,
    }


async def test_a_stale_batch_under_way_does_not_stop_the_new_owner(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    chunks = numbered_chunks(job, 30)
    await builders.plan(database, job, chunks)
    await builders.lose_lease(database, job)
    [again] = await builders.claim(database)
    missing = await builders.plan(database, again, chunks)

    *late, end = await asyncio.gather(
        *(builders.store(database, job, chunks[at : at + 10]) for at in (0, 10, 20)),
        builders.store(database, again, missing),
    )

    assert [outcome.stale for outcome in late] == [{job.lease.job_id}] * 3
    assert end.published == {job.lease.job_id}
    rows = await builders.fetch(
        database, "SELECT chunk_ord FROM upload_pipeline.document_chunks ORDER BY 1"
    )
    assert [row["chunk_ord"] for row in rows] == list(range(30))


async def test_a_document_deleted_while_its_batches_are_stored_leaves_nothing(
    database: Database,
) -> None:
    async def keep(_key: str) -> None:
        return

    for _ in range(5):
        job = await builders.a_claimed_job(database)
        chunks = numbered_chunks(job, 40)
        await builders.plan(database, job, chunks)

        removed, *_ = await asyncio.gather(
            DocumentStore(database).delete(job.document_id, job.tenant_id, remove_blob=keep),
            *(builders.store(database, job, chunks[at : at + 5]) for at in range(0, 40, 5)),
        )

        assert removed

    state = await builders.snapshot(database)
    assert {table: len(rows) for table, rows in state.items() if table != "events"} == {
        "documents": 0,
        "upload_jobs": 0,
        "document_chunks": 0,
    }
