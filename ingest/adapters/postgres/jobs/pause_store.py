"""What operators have stopped."""

from dataclasses import dataclass
from datetime import datetime

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain.job import WaitReason
from ingest.domain.pause import Pause, PauseKind

SQL = load("pauses")
JOBS = load("upload_jobs")


@dataclass(frozen=True, slots=True)
class PauseView:
    """A pause, with what was said about it."""

    pause: Pause
    note: str
    paused_at: datetime


class PauseStore:
    """Rows of ``pauses``; claims and reservations of calls read them themselves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, pause: Pause, *, note: str = "") -> bool:
        """Stop something; False when it was stopped already."""
        async with self._database.connection() as connection:
            put = await connection.fetchval(SQL["put_pause"], pause.kind, pause.subject, note)
        return put is not None

    async def lift(self, pause: Pause) -> bool:
        """Let it go on; False when it was not stopped.

        Jobs that wait for a provider that was paused look again at once.
        """
        async with self._database.transaction() as connection:
            lifted = await connection.fetchval(SQL["lift_pause"], pause.kind, pause.subject)
            if lifted is not None and pause.kind is PauseKind.PROVIDER:
                await connection.execute(JOBS["hasten_waiting"], WaitReason.PAUSED, None)
        return lifted is not None

    async def list_all(self) -> list[PauseView]:
        """Everything that is stopped, the oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["list_pauses"])
        return [
            PauseView(Pause(PauseKind(row["kind"]), row["subject"]), row["note"], row["paused_at"])
            for row in rows
        ]
