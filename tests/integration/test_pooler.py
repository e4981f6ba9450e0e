"""The whole life of a document through pgbouncer in transaction mode."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from ingest.adapters.postgres.jobs.job_listener import JobListener
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.adapters.text_analysis.query import parse
from ingest.domain.job import JobState, Lane
from ingest.domain.stage import Stage
from tests import builders
from tests.builders import MODEL, numbered_chunks, some_vectors


@pytest.fixture
async def pooled(database_url: str, pooler_url: str) -> AsyncIterator[Database]:
    database = Database(pooler_url + urlsplit(database_url).path, pool_size=8, pooler=True)
    yield database
    await database.close()


async def test_documents_are_accepted_claimed_stored_published_and_found(
    pooled: Database,
) -> None:
    tenant = builders.a_tenant()
    accepted = await asyncio.gather(
        *(builders.accept(pooled, builders.an_arrival(tenant)) for _ in range(12))
    )
    jobs = await builders.claim(pooled, limit=64)
    assert {job.lease.job_id for job in jobs} == {entry.job_id for entry in accepted}

    await asyncio.gather(
        *(
            builders.publish(
                pooled,
                job,
                numbered_chunks(job, 40),
                vectors=some_vectors(40, MODEL, seed=seed),
            )
            for seed, job in enumerate(jobs)
        )
    )

    for job in jobs:
        assert await builders.state_of(pooled, job.lease.job_id) == (Stage.EMBEDDED, JobState.DONE)
    query = some_vectors(40, MODEL, seed=3)[7]
    search = SearchStore(pooled, MODEL)
    hits = await search.search(query, tenant, limit=5)
    assert (hits[0].document_id, hits[0].chunk_ord) == (jobs[3].document_id, 7)
    assert await search.search(query, tenant, limit=5, words=parse("passage")) != []


async def test_a_repeated_batch_and_a_lost_lease_are_handled_as_without_a_pooler(
    pooled: Database,
) -> None:
    job = await builders.a_claimed_job(pooled)
    chunks = numbered_chunks(job, 10)
    await builders.plan(pooled, job, chunks)
    await builders.store(pooled, job, chunks[:6])
    await builders.store(pooled, job, chunks[:6])
    await builders.lose_lease(pooled, job)

    stored = await builders.store(pooled, job, chunks)

    assert stored.published == frozenset()
    [row] = await builders.fetch(pooled, "SELECT count(*) FROM upload_pipeline.document_chunks")
    assert row["count"] == 6


async def test_a_stream_looks_for_jobs_where_nobody_can_ring(pooled: Database) -> None:
    bell = JobListener(pooled, Lane.INTERACTIVE)

    async with asyncio.timeout(5):
        await bell.wait(timedelta(seconds=60))
