"""The References port: documents without bytes, many at a time, and then their bytes."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

from ingest.adapters.postgres.documents.document_blobs import ensure_kept
from ingest.adapters.postgres.documents.new_documents import insert_new
from ingest.adapters.postgres.jobs.leases import lock_leases
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain.arrival import Arrival, Content
from ingest.domain.attempt import Target
from ingest.domain.errors import DocumentDeleted, StoreUnavailable
from ingest.domain.source_object import SourceObject

DOCUMENTS = load("documents")
JOBS = load("upload_jobs")
LIMITS = load("tenant_limits")
SOURCES = load("source_objects")
_TRIES = 3


class ReferenceStore:
    """Rows of ``documents`` that many are made of at a time, and whose bytes may be elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(
        self,
        arrivals: Sequence[tuple[SourceObject, Arrival]],
        *,
        blob_is_there: Callable[[str], Awaitable[bool]],
    ) -> frozenset[UUID]:
        """Make documents, and their jobs, of those that are new; all at once.

        An inventory knows from the same moment on that they are taken.

        Args:
            arrivals: Objects, and what they are as documents; one at least, and all of one tenant,
                lane and correlation id. Their bytes may be kept already.
            blob_is_there: Asked last, of the bytes that are.

        Returns:
            Ids of those that were new; none where the tenant's jobs have to be counted one by one.
            What was deleted and may not come back is not made.

        Raises:
            StoreUnavailable: no document was made.
        """
        for _ in range(_TRIES):
            try:
                return await self._insert(arrivals, blob_is_there)
            except DocumentDeleted:
                continue  # at this very moment; the next try leaves it out
        raise StoreUnavailable("documents are being deleted and made at the same time")

    async def _insert(
        self,
        arrivals: Sequence[tuple[SourceObject, Arrival]],
        blob_is_there: Callable[[str], Awaitable[bool]],
    ) -> frozenset[UUID]:
        first = arrivals[0][1]
        async with self._database.transaction() as connection:
            if await connection.fetchval(LIMITS["has_limits"], first.tenant_id):
                return frozenset()
            new = await insert_new(connection, [arrival for _, arrival in arrivals])
            made = [(found, one) for found, one in arrivals if one.document_id in new]
            await connection.execute(
                SOURCES["mark_objects"],
                first.tenant_id,
                [found.uri for found, _ in made],
                [found.version for found, _ in made],
                [one.document_id for _, one in made],
                [1] * len(made),
                [None] * len(made),
            )
            if kept := {one.raw_key for _, one in made if one.raw_key}:
                await ensure_kept(connection, kept, blob_is_there)
        return new

    async def record(
        self,
        fetched: Sequence[tuple[Target, Content]],
        *,
        lease: timedelta,
        blob_is_there: Callable[[str], Awaitable[bool]],
    ) -> frozenset[UUID]:
        """Note where bytes are now, and advance their jobs to ``job_validated``, all at once.

        ``blob_is_there`` is asked last, when no other document can take the bytes with it.

        Returns:
            Ids of the jobs whose lease held; of the others nothing was written.

        Raises:
            StoreUnavailable: nothing was written.
        """
        async with self._database.transaction() as connection:
            held = await lock_leases(connection, [target.lease for target, _ in fetched])
            live = [one for one in fetched if one[0].lease.job_id in held]
            if live:
                digests = [content.sha256 for _, content in live]
                await connection.execute(
                    DOCUMENTS["record_fetched"],
                    [target.document_id for target, _ in live],
                    [target.generation for target, _ in live],
                    digests,
                    [content.raw_key for _, content in live],
                    [content.bytes_len for _, content in live],
                    [content.media_type for _, content in live],
                )
                jobs = [target.lease.job_id for target, _ in live]
                await connection.execute(JOBS["advance_fetched"], jobs, digests, lease)
                await ensure_kept(
                    connection, {content.raw_key for _, content in live}, blob_is_there
                )
        return frozenset(held)
