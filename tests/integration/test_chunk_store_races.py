"""Writers of the same chunks at the same time: each chunk once, and nobody waits in a circle."""

import asyncio
import contextlib
from collections.abc import Sequence

import pytest

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.domain.chunk import Chunk
from ingest.domain.errors import StoreUnavailable
from ingest.domain.job import ClaimedJob, JobState
from ingest.domain.stage import Stage
from tests import builders
from tests.builders import numbered_chunks, some_vectors


async def texts_of(database: Database, job: ClaimedJob) -> list[str]:
    """Each row once, in order: chunks of two rows would be listed twice."""
    chunks = await SearchStore(database, builders.MODEL).list_chunks(
        job.document_id, job.tenant_id, limit=1000
    )
    return [chunk.text for chunk in chunks]


@pytest.mark.parametrize("last", [False, True])
async def test_the_same_batch_from_two_connections_at_once_counts_once(
    database: Database, last: bool
) -> None:
    job = await builders.a_claimed_job(database)
    chunks = numbered_chunks(job, 50)
    await builders.plan(database, job, chunks)
    part = chunks if last else chunks[:40]

    outcomes = await asyncio.gather(*(builders.store(database, job, part) for _ in range(6)))
    rest = await builders.store(database, job, chunks[40:])

    ends = [outcome for outcome in (*outcomes, rest) if outcome.published]
    assert [end.published for end in ends] == [{job.lease.job_id}]
    assert len(await texts_of(database, job)) == 50
    finished = await builders.fetch(
        database, "SELECT job_id FROM upload_pipeline.events WHERE state = 'done'"
    )
    assert len(finished) == 1


async def test_batches_that_overlap_never_wait_for_each_other_in_a_circle(
    database: Database,
) -> None:
    for _ in range(15):
        job = await builders.a_claimed_job(database)
        chunks = await builders.plan(database, job, numbered_chunks(job, 120))
        batches = (chunks[:60], chunks, chunks[60:], chunks)

        outcomes = await asyncio.gather(*(builders.store(database, job, b) for b in batches))

        assert [o.published for o in outcomes if o.published] == [{job.lease.job_id}]
        assert len(await texts_of(database, job)) == 120


async def test_overlapping_batches_of_two_documents_in_any_order_publish_both(
    database: Database,
) -> None:
    jobs = [await builders.a_claimed_job(database) for _ in range(2)]
    chunks = {job: numbered_chunks(job, 20) for job in jobs}
    for job in jobs:
        await builders.plan(database, job, chunks[job])
    store = builders.chunk_store(database)

    async def store_half(order: Sequence[ClaimedJob], half: slice) -> None:
        shares = [builders.share(job, chunks[job][half]) for job in order]
        await store.store(shares, some_vectors(20), lease=builders.LEASE)

    await asyncio.gather(store_half(jobs, slice(0, 10)), store_half(jobs[::-1], slice(10, 20)))

    for job in jobs:
        assert len(await texts_of(database, job)) == 20


async def store_in_the_end(database: Database, job: ClaimedJob, chunks: Sequence[Chunk]) -> None:
    """As the embed stage does: transactions that wait for each other's rows end one of them."""
    while True:
        with contextlib.suppress(StoreUnavailable):
            await builders.store(database, job, chunks)
            return


async def test_a_second_plan_while_batches_of_the_first_are_stored_ends_published(
    database: Database,
) -> None:
    job = await builders.a_claimed_job(database)
    chunks = numbered_chunks(job, 24)
    first = await builders.plan(database, job, chunks)
    await builders.store(database, job, first[:5])

    second, _ = await asyncio.gather(
        builders.plan(database, job, chunks),
        asyncio.gather(
            *(store_in_the_end(database, job, first[at : at + 5]) for at in range(5, 20, 5))
        ),
    )
    shares = [first[20:], *(second[at : at + 7] for at in range(0, len(second), 7))]
    await asyncio.gather(*(store_in_the_end(database, job, share) for share in shares))

    assert await texts_of(database, job) == [chunk.text for chunk in chunks]
    assert await builders.state_of(database, job.lease.job_id) == (Stage.EMBEDDED, JobState.DONE)
