"""An index is built with the memory that it needs, where the server has it to give."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.domain.index_kind import IndexKind, bytes_to_build
from tests import builders
from tests.builders import MODEL, numbered_chunks, some_vectors

VECTORS = 3_000
TOO_SMALL = "no longer fits into maintenance_work_mem"
MEGABYTE = 1024**2


class Server:
    """A database whose server gives a megabyte for building, and what it said."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.notices: list[str] = []

    async def memory(self) -> list[str]:
        """What sessions have, of each connection of the pool."""
        rows = await builders.fetch(self.database, "SHOW maintenance_work_mem")
        return [row["maintenance_work_mem"] for row in rows]


@pytest.fixture
async def server(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    [row] = await builders.fetch(database, "SELECT current_database() AS name")
    await builders.execute(
        database, f"ALTER DATABASE {row['name']} SET maintenance_work_mem = '1MB'"
    )
    await IndexStore(database).drop(MODEL)
    job = await builders.a_claimed_job(database)
    await builders.publish(
        database, job, numbered_chunks(job, VECTORS), vectors=some_vectors(VECTORS)
    )
    server = Server(Database(database.url, pool_size=1))
    execute = asyncpg.Connection.execute

    async def listen(connection: Any, statement: str, *arguments: Any, **options: Any) -> Any:
        def note(_: object, message: object) -> None:
            server.notices.append(str(message))

        if not statement.startswith("CREATE INDEX"):
            return await execute(connection, statement, *arguments, **options)
        connection.add_log_listener(note)
        try:
            return await execute(connection, statement, *arguments, **options)
        finally:
            connection.remove_log_listener(note)

    monkeypatch.setattr(asyncpg.Connection, "execute", listen)
    yield server
    await server.database.close()


def complaints(server: Server) -> list[str]:
    return [notice for notice in server.notices if TOO_SMALL in notice]


@pytest.mark.parametrize("kind", list(IndexKind))
async def test_a_build_takes_what_it_needs_and_gives_it_back(
    server: Server, kind: IndexKind
) -> None:
    await IndexStore(server.database, build_bytes=64 * MEGABYTE).rebuild(MODEL, kind)

    assert complaints(server) == []
    assert await server.memory() == ["1MB"]


async def test_a_build_that_may_take_no_more_is_slow_and_right(server: Server) -> None:
    await IndexStore(server.database).rebuild(MODEL, IndexKind.HALFVEC)

    assert complaints(server), "the vectors would fit into what the server gives"
    assert await IndexStore(server.database).is_usable(MODEL)


async def test_what_is_needed_is_not_far_from_what_is_taken(server: Server) -> None:
    needed = bytes_to_build(IndexKind.HALFVEC, dimension=MODEL.dimension, vectors=VECTORS)

    await IndexStore(server.database, build_bytes=needed).rebuild(MODEL, IndexKind.HALFVEC)
    assert complaints(server) == []
    await IndexStore(server.database, build_bytes=needed // 2).rebuild(MODEL, IndexKind.HALFVEC)
    assert complaints(server)


async def test_a_server_without_the_memory_builds_with_what_it_has(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, tried = asyncpg.Connection.execute, []

    async def refuse_once(connection: Any, statement: str, *arguments: Any, **options: Any) -> Any:
        if statement.startswith("CREATE INDEX"):
            tried.append(await connection.fetchval("SHOW maintenance_work_mem"))
            if len(tried) == 1:
                raise asyncpg.DiskFullError("could not resize shared memory segment")
        return await execute(connection, statement, *arguments, **options)

    monkeypatch.setattr(asyncpg.Connection, "execute", refuse_once)

    await IndexStore(server.database, build_bytes=64 * MEGABYTE).rebuild(MODEL, IndexKind.HALFVEC)

    assert len(tried) == 2
    assert (tried[0], tried[1]) != ("1MB", "1MB")
    assert tried[1] == "1MB"
    assert await IndexStore(server.database).is_usable(MODEL)
