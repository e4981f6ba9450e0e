"""The audit trail; the database writes it, we read it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load

SQL = load("events")


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one job."""

    event_id: int
    """Grows; where a reader goes on."""
    at: datetime
    from_stage: str | None
    stage: str
    from_state: str | None
    state: str
    attempt: int
    worker_id: UUID | None
    correlation_id: str
    error: dict[str, Any] | None


class EventStore:
    """Rows of ``events``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_after(
        self, job_id: UUID, tenant_id: UUID, *, after: int = 0, limit: int = 200
    ) -> list[Event]:
        """A job's history behind one event, in order; empty for other tenants' jobs."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["list_events"], job_id, tenant_id, after, limit)
        return [Event(**row) for row in rows]
