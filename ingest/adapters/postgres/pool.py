"""The one place that opens connections, and the one that translates driver errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TypeAlias
from uuid import UUID

import asyncpg
from pgvector.asyncpg import register_vector

from ingest.domain.errors import StoreUnavailable

Connection: TypeAlias = asyncpg.Connection
COMMAND_SECONDS = 120.0
"""Longest that one statement may take; building an index has its own limit."""
_UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a session was ended between two messages
)


_ACT = "SET LOCAL ROLE ingest_api; SET LOCAL ingest.tenant = '{tenant}'"
"""Both in one message; neither takes a parameter, and a UUID has no quotes."""
_TENANT: ContextVar[UUID] = ContextVar("tenant")


def act_for(tenant_id: UUID) -> None:
    """From here on the present task, and what it starts, reads and writes one tenant's rows."""
    _TENANT.set(tenant_id)


class Database:
    """A pool of connections to one database, opened on first use and again after a failure."""

    def __init__(
        self, url: str, *, pool_size: int = 4, pooler: bool = False, plans_once: bool = False
    ) -> None:
        """Remember where the database is.

        Args:
            url: postgresql://…
            pool_size: Most connections this process opens.
            pooler: The URL leads to a transaction-mode pooler, so nothing may outlive a
                transaction on the server: no prepared statements, no LISTEN.
            plans_once: Plan a statement once, whatever its parameters are: for few statements
                that run many times a second and are known to need no other plan.
        """
        self.url = url
        self.pooler = pooler
        self._pool_size = pool_size
        self._plans_once = plans_once
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self.url,
                    min_size=1,
                    max_size=self._pool_size,
                    statement_cache_size=0 if self.pooler else 256,
                    max_inactive_connection_lifetime=60,
                    command_timeout=COMMAND_SECONDS,
                    timeout=10,
                    init=prepare,
                    reset=_leave_as_it_is,
                    server_settings=None if self.pooler else self._server_settings(),
                )
            return self._pool

    def _server_settings(self) -> dict[str, str]:
        mode = {"plan_cache_mode": "force_generic_plan"} if self._plans_once else {}
        return {"application_name": "ingest", **mode}

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection.

        Raises:
            StoreUnavailable: the database cannot be reached, shuts down, or gave up on us.
        """
        try:
            pool = self._pool or await self._open()
            connection = await pool.acquire(timeout=15)
        except (*_UNAVAILABLE, asyncpg.PostgresError) as exc:  # refused, whatever the reason
            raise StoreUnavailable(f"the database is not available ({type(exc).__name__})") from exc
        try:
            try:
                yield connection
            except asyncpg.InternalClientError:
                connection.terminate()  # nobody knows its state
                raise
            finally:
                await pool.release(connection)
        except _UNAVAILABLE as exc:
            raise StoreUnavailable(f"the database is not available ({type(exc).__name__})") from exc

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Borrow a connection inside one transaction.

        Raises:
            StoreUnavailable: as ``connection``; nothing was written, or all of it was.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def planning_once(self) -> AsyncIterator[Connection]:
        """Borrow a connection inside one transaction that plans its statements once.

        For a statement that takes longer to plan than to run, and needs no other plan for other
        parameters; see ``plans_once``.

        Raises:
            StoreUnavailable: as ``connection``.
        """
        async with self.transaction() as connection:
            await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            yield connection

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()


class BorrowedDatabase(Database):
    """The pool of another one, whose owner closes it; every connection is inside a transaction."""

    def __init__(self, database: Database) -> None:
        """Borrow from this pool."""
        super().__init__(database.url, pooler=database.pooler)
        self._whole = database

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection inside one transaction; subclasses say on what condition."""
        async with self._whole.transaction() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """The same: every connection is."""
        async with self.connection() as connection:
            yield connection

    async def close(self) -> None:
        """Leave the pool to its owner."""


class TenantDatabase(BorrowedDatabase):
    """The same pool for whoever acts for a tenant: PostgreSQL itself keeps to that one's rows."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection inside one transaction, in the role that sees only the tenant.

        Raises:
            StoreUnavailable: as in the whole database.
            LookupError: nobody said for whom; see ``act_for``.
        """
        tenant = _TENANT.get()
        async with self._whole.transaction() as connection:
            await connection.execute(_ACT.format(tenant=tenant))
            yield connection


async def _leave_as_it_is(_connection: Connection) -> None:
    """Spare a round trip with each use: nothing is set, locked or opened beyond a transaction."""


async def prepare(connection: Connection) -> None:
    """Teach a new connection the types that our rows have.

    Raises:
        StoreUnavailable: the database has no pgvector.
    """
    try:
        await register_vector(connection)
    except ValueError as exc:
        raise StoreUnavailable("the database has no extension 'vector': migrate it first") from exc
    await connection.set_type_codec(
        "tsvector", encoder=bytes, decoder=bytes, schema="pg_catalog", format="binary"
    )
    await connection.set_type_codec(
        "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
    )
