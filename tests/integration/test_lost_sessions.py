"""Database sessions that the server ends at any instant."""

import asyncio

from ingest.adapters.postgres.pool import Database
from ingest.domain.errors import StoreUnavailable
from tests.integration.outage import away

OUTAGES = 150
USERS = 6


async def test_a_session_that_ends_at_any_instant_is_an_outage_and_no_other_error(
    server_url: str, database_url: str
) -> None:
    database, over = Database(database_url), asyncio.Event()
    refused: list[StoreUnavailable] = []

    async def use() -> None:
        while not over.is_set():
            try:
                async with database.connection() as connection:
                    await connection.fetchval("SELECT pg_sleep(0.001)")
            except StoreUnavailable as exc:
                refused.append(exc)
                await asyncio.sleep(0.001)

    def be_away() -> None:
        with away(server_url, database_url):
            pass

    users = [asyncio.create_task(use()) for _ in range(USERS)]
    for _ in range(OUTAGES):
        await asyncio.to_thread(be_away)
        await asyncio.sleep(0.01)
    over.set()
    await asyncio.gather(*users)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await database.close()

    assert refused
