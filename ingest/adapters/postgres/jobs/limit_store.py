"""The limits of tenants: set by operators, counted with each upload and search."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.statements import load
from ingest.domain.errors import LimitReached
from ingest.domain.tenant_limits import LimitKind, TenantLimits

SQL = load("tenant_limits")
_WORDS = {
    LimitKind.ACTIVE_JOBS: "unfinished jobs",
    LimitKind.UPLOADS_PER_DAY: "uploads a day (UTC)",
    LimitKind.BYTES_PER_DAY: "uploaded bytes a day (UTC)",
    LimitKind.SEARCHES_PER_MINUTE: "searches a minute",
}


@dataclass(frozen=True, slots=True)
class LimitUse:
    """One limit, and what is used of it."""

    kind: LimitKind
    allowed: int | None
    """None is no limit."""
    used: int
    """Counted for days and minutes only while there are limits."""


class LimitStore:
    """Rows of ``tenant_limits``, and what counts against them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set(self, tenant_id: UUID, limits: TenantLimits) -> None:
        """Set the limits of a tenant, or of ALL_TENANTS; they replace all that were there."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["set_limits"], tenant_id, *asdict(limits).values())

    async def remove(self, tenant_id: UUID) -> bool:
        """Lift them; False when there were none."""
        async with self._database.connection() as connection:
            return await connection.fetchval(SQL["remove_limits"], tenant_id) is not None

    async def list_all(self) -> dict[UUID, TenantLimits]:
        """All limits that were set, by tenant."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["list_limits"])
        return {row["tenant_id"]: TenantLimits(*list(row.values())[1:]) for row in rows}

    async def use(self, tenant_id: UUID) -> list[LimitUse]:
        """The limits that hold for a tenant, and what is used of each."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["use_of_limits"], tenant_id)
        return [LimitUse(kind, row[kind], row[f"{kind}_used"]) for kind in LimitKind]

    async def admit_search(self, tenant_id: UUID, *, at: datetime | None = None) -> None:
        """Count one more search of a tenant; ``at`` is another time than the database's.

        Raises:
            LimitReached: it has made all it may for now.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["admit_search"], tenant_id, at)
        if row is not None:
            raise _reached(LimitKind.SEARCHES_PER_MINUTE, row["allowed"], row["retry_seconds"])


async def admit_upload(
    connection: Connection, tenant_id: UUID, bytes_len: int, *, at: datetime | None = None
) -> None:
    """Count one more job of a tenant inside a caller's transaction, which ends with the error.

    Raises:
        LimitReached: it would be one too many, or its bytes.
    """
    row = await connection.fetchrow(SQL["admit_upload"], tenant_id, bytes_len, at)
    if row is not None:
        raise _reached(LimitKind(row["kind"]), row["allowed"], row["retry_seconds"], row["used"])


async def admit_uploads(connection: Connection, tenant_id: UUID, bytes_lens: Sequence[int]) -> bool:
    """Count jobs that were just made inside a caller's transaction.

    Returns:
        False when they may break a limit: the transaction is to end, and ``admit_upload`` to decide
        about each job. As they are unfinished jobs already, this also happens when they reach a
        limit and do not break it.
    """
    return await connection.fetchval(SQL["admit_uploads"], tenant_id, bytes_lens) is None


def _reached(
    kind: LimitKind, allowed: int, retry_seconds: float, used: int | None = None
) -> LimitReached:
    there = "" if used is None else f", {used} are used"
    return LimitReached(
        f"{kind}: the tenant may have {allowed} {_WORDS[kind]}{there}",
        retry_after=timedelta(seconds=max(1.0, retry_seconds)),
    )
