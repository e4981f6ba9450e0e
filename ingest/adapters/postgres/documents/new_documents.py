"""Many documents at a time: those that are new, in one statement."""

from collections.abc import Sequence
from uuid import UUID

from ingest.adapters.postgres.documents.tombstone_store import kept_away
from ingest.adapters.postgres.pool import Connection
from ingest.adapters.postgres.statements import load
from ingest.domain.arrival import Arrival
from ingest.domain.errors import DocumentDeleted

SQL = load("documents")


async def insert_new(connection: Connection, arrivals: Sequence[Arrival]) -> frozenset[UUID]:
    """Insert documents that are new, each with its job.

    Args:
        connection: In a transaction. It locks documents in the order of their ids, so that two
            calls with the same documents never wait for each other in a circle.
        arrivals: One at least, of different documents, all of one tenant, lane, correlation id and
            ``restores_before``. Idempotency keys are not looked at.

    Returns:
        Ids of the inserted documents.

    Raises:
        DocumentDeleted: one was deleted at this moment and may not come back; the transaction is
            to end.
    """
    first = arrivals[0]
    rows = await connection.fetch(
        SQL["insert_documents"],
        first.tenant_id,
        [arrival.document_id for arrival in arrivals],
        [arrival.name for arrival in arrivals],
        [arrival.filename for arrival in arrivals],
        [arrival.media_type for arrival in arrivals],
        [arrival.bytes_len for arrival in arrivals],
        [arrival.job_id for arrival in arrivals],
        first.lane,
        first.correlation_id,
        [arrival.file_sha256 for arrival in arrivals],
        [arrival.raw_key for arrival in arrivals],
        first.restores_before,
        [arrival.source_path for arrival in arrivals],
    )
    new = frozenset(row["document_id"] for row in rows)
    if new and await kept_away(
        connection, first.tenant_id, list(new), restores_before=first.restores_before
    ):
        raise DocumentDeleted
    return new
