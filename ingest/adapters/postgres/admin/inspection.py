"""Looking at a database from outside: what it is, and how far its schema is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.pool import Connection
from ingest.adapters.postgres.statements import load
from ingest.domain.errors import ConfigurationError, StoreUnavailable

SQL = load("database")


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What a database says about itself."""

    server_version: str
    pgvector: str | None
    """Version that is installed in the database, or that could be; None: the server has none."""
    revision: str | None
    """Revision of the schema; None for an empty database."""
    mismatch: str | None
    """Why this code cannot run on the schema; None when it can."""


async def name_of(connection: Connection) -> str:
    """Which database this is: its name, and PostgreSQL's own number of the server's data.

    Two URLs lead to the same database when, and only when, this is the same.
    """
    name: str = await connection.fetchval(SQL["name_database"])
    return name


async def inspect(url: str, *, timeout_seconds: float = 10) -> DatabaseFacts:
    """Connect once, to a database of any schema or none.

    Raises:
        ConfigurationError: the URL is none.
        StoreUnavailable: the database cannot be reached, or refuses us; says why.
    """
    async with _connected(url, timeout_seconds) as connection:
        return DatabaseFacts(
            server_version=await connection.fetchval("SELECT current_setting('server_version')"),
            pgvector=await connection.fetchval(
                "SELECT coalesce(installed_version, default_version) "
                "FROM pg_available_extensions WHERE name = 'vector'"
            ),
            revision=await migrate.current(connection),
            mismatch=await migrate.mismatch(connection),
        )


async def pgvector_refusal(url: str, *, timeout_seconds: float = 10) -> str | None:
    """Why this login cannot have pgvector in the database; None when it has it, or can create it.

    It is created for a moment, in a transaction that is undone: what a login may do is decided by
    the server's version, by marks of the extension and by the providers of servers.

    Raises:
        ConfigurationError: the URL is none.
        StoreUnavailable: the database cannot be reached, or refuses us; says why.
    """
    async with _connected(url, timeout_seconds) as connection:
        trial = connection.transaction()
        await trial.start()
        try:
            await connection.execute(SQL["create_pgvector"])
        except asyncpg.PostgresError as exc:
            return str(exc)
        finally:
            await trial.rollback()
    return None


@asynccontextmanager
async def _connected(url: str, timeout_seconds: float) -> AsyncIterator[Connection]:
    try:
        connection = await asyncpg.connect(url, timeout=timeout_seconds, statement_cache_size=0)
    except (ValueError, asyncpg.InterfaceError) as exc:
        raise ConfigurationError(f"the database URL cannot be used: {exc}") from exc
    except (OSError, TimeoutError, asyncpg.PostgresError) as exc:
        reason = str(exc).strip() or "no answer in time"
        raise StoreUnavailable(f"the database is not available: {reason}") from exc
    try:
        yield connection
    finally:
        await connection.close()
