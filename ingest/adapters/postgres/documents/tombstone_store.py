"""Tombstones: which documents were deleted, and nothing else of them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.statements import load
from ingest.domain.arrival import Arrival
from ingest.domain.errors import DocumentDeleted
from ingest.domain.identity import external_id

SQL = load("tombstones")


async def forget_errors(connection: Connection, document_id: UUID) -> None:
    """Remove texts of errors from a document's history, as long as its jobs are there."""
    await connection.execute(SQL["forget_errors"], document_id)


async def leave_tombstone(
    connection: Connection, document_id: UUID, tenant_id: UUID, *, name: str
) -> None:
    """Note that a document was deleted, in the transaction that deletes it; its URI goes."""
    await connection.execute(SQL["leave_tombstone"], document_id, tenant_id)
    await connection.execute(SQL["forget_listed"], document_id, tenant_id, external_id(name))


async def kept_away(
    connection: Connection,
    tenant_id: UUID,
    document_ids: Sequence[UUID],
    *,
    restores_before: datetime | None,
) -> bool:
    """Whether one of the documents that were just made may not come back.

    To be asked after they were made, in the same transaction: whoever deleted one at the same time
    has already committed its tombstone. Tombstones of those that may come back are removed.
    """
    rows = await connection.fetch(SQL["revive"], tenant_id, document_ids, restores_before)
    return bool(rows)


async def ensure_welcome(connection: Connection, arrival: Arrival) -> None:
    """Let a document that was just made stay, as ``kept_away`` does many.

    Raises:
        DocumentDeleted: it was deleted and may not come back; the transaction is to end.
    """
    made, before = [arrival.document_id], arrival.restores_before
    if await kept_away(connection, arrival.tenant_id, made, restores_before=before):
        raise DocumentDeleted


class TombstoneStore:
    """Rows of ``tombstones``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def among(self, tenant_id: UUID, document_ids: Sequence[UUID]) -> set[UUID]:
        """Which of these documents of a tenant were deleted."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["find_deleted"], tenant_id, document_ids)
        return {row["document_id"] for row in rows}
