"""Leases of periodic duties, and a database that writes only under one."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from uuid import UUID

from ingest.adapters.postgres.pool import BorrowedDatabase, Connection, Database
from ingest.adapters.postgres.statements import load
from ingest.domain.duty_lease import LeasedDuty
from ingest.domain.errors import LeaseLost

SQL = load("maintenance_leases")
STEP = timedelta(seconds=2)
"""How long a lease lasts at the least when a step begins, and how long the step may then pause."""
NOTED = timedelta(seconds=2)
"""How exact it is when a duty was begun last; see ``begin_duty``."""
_KEPT = timedelta(days=1)
_HELD: ContextVar[LeasedDuty] = ContextVar("held")


class MaintenanceStore:
    """Rows of ``maintenance_leases``: who does which periodic duty, by the database's clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(
        self, duties: Collection[str], *, holder: str, lease: timedelta
    ) -> dict[LeasedDuty, timedelta | None]:
        """Lease those of the duties that nobody holds.

        Returns:
            How long ago each was begun last, whoever did it; None for never.
        """
        async with self._database.connection() as connection:
            await connection.execute(SQL["make_duties"], list(duties))
            rows = await connection.fetch(SQL["take_duties"], list(duties), holder, lease)
        return {
            LeasedDuty(row["duty"], row["token"]): None
            if row["idle_seconds"] is None
            else timedelta(seconds=row["idle_seconds"])
            for row in rows
        }

    async def renew(self, held: Mapping[str, UUID], *, lease: timedelta) -> set[str]:
        """Let leases last for ``lease`` from now on; returns the duties that are still held."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL["renew_duties"], list(held), list(held.values()), lease
            )
        return {row["duty"] for row in rows}

    @asynccontextmanager
    async def begin(self, duty: LeasedDuty) -> AsyncIterator[None]:
        """Do a duty once; inside, a ``LeasedDatabase`` writes under its lease.

        Raises:
            LeaseLost: somebody else does it, or may at any moment.
            StoreUnavailable: it was not begun.
        """
        async with self._database.connection() as connection:
            begun = await connection.fetchval(SQL["begin_duty"], duty.name, duty.token, NOTED)
        if begun is None:
            raise LeaseLost(f"the duty {duty.name!r} is somebody else's")
        before = _HELD.set(duty)
        try:
            yield
        finally:
            _HELD.reset(before)

    async def give_up(self, held: Mapping[str, UUID]) -> None:
        """Let others take these duties at once."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["give_up_duties"], list(held), list(held.values()))

    async def prune(self) -> int:
        """Remove duties that nobody has done for a day; returns how many."""
        async with self._database.connection() as connection:
            return len(await connection.fetch(SQL["prune_duties"], _KEPT))


class LeasedDatabase(BorrowedDatabase):
    """The same pool for whoever does a duty: each transaction checks first that it still is theirs.

    A process that was paused for longer than its lease finds out with its next statement. One that
    is paused inside a transaction is cut off by the server after ``STEP``, before its lease ends.
    """

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection inside one transaction under the lease.

        Raises:
            LeaseLost: the duty is somebody else's, or may be before the transaction ends.
            StoreUnavailable: as in the whole database.
            LookupError: no duty was begun; see ``MaintenanceStore.begin``.
        """
        duty = _HELD.get()
        async with self._whole.transaction() as connection:
            checked = await connection.fetchval(
                SQL["check_duty"],
                duty.name,
                duty.token,
                STEP,
                f"{STEP.total_seconds() * 1000:.0f}ms",
            )
            if checked is None:
                raise LeaseLost(f"the duty {duty.name!r} is somebody else's, or may be soon")
            yield connection
