"""Jobs ring; losing the connection does too."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ingest.adapters.postgres.jobs.job_listener import JobListener
from ingest.adapters.postgres.pool import Database
from ingest.domain.errors import StoreUnavailable
from ingest.domain.job import Lane
from tests import builders

LONG = timedelta(seconds=30)
SHORT = timedelta(milliseconds=50)


@pytest.fixture
async def bell(database: Database) -> AsyncIterator[JobListener]:
    doorbell = JobListener(database, Lane.INTERACTIVE)
    await doorbell.wait(SHORT)  # the first call begins to listen
    yield doorbell
    await doorbell.close()


async def rings(bell: JobListener) -> bool:
    """Whether the bell has rung; the wait ends by itself long after."""
    try:
        async with asyncio.timeout(5):
            await bell.wait(LONG)
    except TimeoutError:
        return False
    return True


async def test_an_accepted_upload_rings(database: Database, bell: JobListener) -> None:
    waiting = asyncio.create_task(rings(bell))
    await builders.accept(database)

    assert await waiting


async def test_a_ring_between_two_waits_is_not_lost(database: Database, bell: JobListener) -> None:
    await builders.accept(database)
    await asyncio.sleep(0.2)

    assert await rings(bell)


async def test_a_returned_job_rings(database: Database, bell: JobListener) -> None:
    job = await builders.a_claimed_job(database)
    await rings(bell)
    waiting = asyncio.create_task(rings(bell))
    await builders.lose_lease(database, job)

    assert await waiting


async def test_a_job_of_another_lane_does_not_ring(database: Database, bell: JobListener) -> None:
    rung = asyncio.create_task(bell.wait(LONG))
    await builders.accept(database, builders.an_arrival(lane=Lane.BACKFILL))
    done, _ = await asyncio.wait({rung}, timeout=0.3)
    rung.cancel()

    assert not done


async def test_a_lost_connection_wakes_and_the_next_ring_is_heard(
    database: Database, bell: JobListener
) -> None:
    waiting = asyncio.create_task(rings(bell))
    await builders.execute(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    assert await waiting

    await bell.wait(SHORT)
    waiting = asyncio.create_task(rings(bell))
    await builders.accept(database)
    assert await waiting


async def test_a_database_that_is_away_is_unavailable() -> None:
    bell = JobListener(Database("postgresql://nobody@127.0.0.1:9/none"), Lane.INTERACTIVE)

    with pytest.raises(StoreUnavailable):
        await bell.wait(SHORT)
