"""The register of streams."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest.adapters.postgres.admin import inspection
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain import heartbeat
from ingest.domain.job import Lane

SQL = load("workers")


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A running stream."""

    worker_id: UUID
    lane: Lane
    host: str
    pid: int
    version: str
    started_at: datetime
    draining: bool
    silent_seconds: float
    """Since its last heartbeat, by the database's clock."""

    @property
    def is_alive(self) -> bool:
        """Whether it was heard of within ``heartbeat.SILENT_AFTER``."""
        return heartbeat.is_alive(self.silent_seconds)


class WorkerStore:
    """Rows of ``workers``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(
        self, worker_id: UUID, lane: Lane, *, host: str, pid: int, version: str
    ) -> None:
        """A stream begins."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["register_worker"], worker_id, lane, host, pid, version)

    async def beat(self, worker_id: UUID) -> bool:
        """Say that a stream is alive; returns whether it is asked to drain."""
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(SQL["beat_worker"], worker_id))

    async def drain(self, worker_id: UUID) -> None:
        """Ask a stream to stop claiming and to finish what it holds."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["drain_worker"], worker_id)

    async def stop(self, worker_id: UUID) -> None:
        """A stream ended."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["stop_worker"], worker_id)

    async def database_name(self) -> str:
        """Which database this register is in; compare it with the gateway's."""
        async with self._database.connection() as connection:
            return await inspection.name_of(connection)

    async def list_running(self) -> list[WorkerView]:
        """Streams that did not end and were heard of within the hour."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["list_workers"])
        return [WorkerView(**{**row, "lane": Lane(row["lane"])}) for row in rows]


def working_lanes(workers: Iterable[WorkerView]) -> frozenset[Lane]:
    """Lanes of which a living stream takes jobs."""
    return frozenset(worker.lane for worker in workers if worker.is_alive and not worker.draining)
