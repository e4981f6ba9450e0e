"""The Inventory port: what backfills have listed, and what it has become."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain.errors import DocumentDeleted
from ingest.domain.identity import document_id, external_name
from ingest.domain.source_object import Noted, RegisteredObject, SourceObject

SQL = load("source_objects")
TOMBSTONES = load("tombstones")


class SourceStore:
    """Rows of ``source_objects``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(
        self,
        tenant_id: UUID,
        run: str,
        objects: Sequence[SourceObject],
        *,
        restores_before: datetime,
    ) -> Noted:
        """Write down what was listed; what is new or has changed is for this run to take in.

        What was deleted is not, unless that was before ``restores_before``.

        Raises:
            StoreUnavailable: nothing was written.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                SQL["note_objects"],
                tenant_id,
                run,
                [found.uri for found in objects],
                [found.filename for found in objects],
                [found.bytes_len for found in objects],
                [found.version for found in objects],
                _documents(tenant_id, [found.uri for found in objects]),
                restores_before,
            )
        return Noted(**row)

    async def pending(
        self, tenant_id: UUID, run: str, *, limit: int, besides: Sequence[str]
    ) -> list[SourceObject]:
        """Objects that a run has to take in, other than those with these URIs."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["pending_objects"], tenant_id, run, limit, besides)
        return [SourceObject(**row) for row in rows]

    async def mark(self, tenant_id: UUID, taken: Sequence[RegisteredObject]) -> None:
        """Write down what became of objects; one whose document was deleted is forgotten."""
        gone = [one.uri for one in taken if one.refused_code == DocumentDeleted.code]
        there = [one for one in taken if one.refused_code != DocumentDeleted.code]
        async with self._database.connection() as connection:
            if there:
                await connection.execute(
                    SQL["mark_objects"],
                    tenant_id,
                    [one.uri for one in there],
                    [one.version for one in there],
                    [one.document_id for one in there],
                    [one.generation for one in there],
                    [one.refused_code for one in there],
                )
            if gone:
                await connection.execute(
                    TOMBSTONES["forget_deleted"], tenant_id, gone, _documents(tenant_id, gone)
                )


def _documents(tenant_id: UUID, uris: Sequence[str]) -> list[UUID]:
    """The document that each object is, or was, or would be."""
    return [document_id(tenant_id, external_name(uri)) for uri in uris]
