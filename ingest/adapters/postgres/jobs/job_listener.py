"""Being told about new jobs instead of asking for them."""

import asyncio
from datetime import timedelta

import asyncpg

from ingest.adapters.postgres.pool import Database
from ingest.domain.errors import StoreUnavailable

CHANNEL = "ingest_jobs"
POLL = timedelta(milliseconds=100)
"""Pause between looks where LISTEN is not to be had, behind a transaction-mode pooler."""


class JobListener:
    """Rings when a job of one lane may be claimable."""

    def __init__(self, database: Database, lane: str) -> None:
        self._database = database
        self._lane = lane
        self._connection: asyncpg.Connection | None = None
        self._rung = asyncio.Event()

    async def wait(self, longest: timedelta) -> None:
        """Return when the bell rang since the last call, at the latest after ``longest``.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        if self._database.pooler:
            await asyncio.sleep(min(longest, POLL).total_seconds())
            return
        if self._connection is None or self._connection.is_closed():
            await self._listen()
            return
        try:
            async with asyncio.timeout(longest.total_seconds()):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._rung.clear()

    async def _listen(self) -> None:
        try:
            self._connection = await asyncpg.connect(self._database.url, timeout=10)
            await self._connection.add_listener(CHANNEL, self._ring)
            self._connection.add_termination_listener(lambda _: self._rung.set())
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
            raise StoreUnavailable(f"the database is not available ({type(exc).__name__})") from exc

    def _ring(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if payload == self._lane:
            self._rung.set()

    async def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            await self._connection.close()
