"""Bringing in the bytes of documents that were registered by where they are."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from ingest.app.intake.upload import Intake
from ingest.coalesce import Coalescer
from ingest.domain import identity
from ingest.domain.arrival import Content
from ingest.domain.attempt import Target
from ingest.domain.errors import (
    LeaseLost,
    NotFound,
    SourceGone,
    SourceUnavailable,
    StoreUnavailable,
)
from ingest.domain.job import ClaimedJob

if TYPE_CHECKING:
    from ingest.adapters.postgres.documents.reference_store import ReferenceStore
    from ingest.adapters.sources import Objects


log = structlog.get_logger(module=__name__)
_LINGER_SECONDS = 0.02
"""How long what was fetched waits for others, to be recorded with them."""


class SourceFetcher:
    """Makes of a document that is somewhere else one like any that was uploaded."""

    def __init__(
        self,
        reader: "Objects",
        intake: Intake,
        references: "ReferenceStore",
        *,
        lease: timedelta,
        at_once: int = 16,
    ) -> None:
        """Begin.

        Args:
            reader: Reads the objects.
            intake: Keeps their bytes, within the limits of uploads.
            references: Where it is noted that they are here.
            lease: Length of a lease from then on.
            at_once: Objects that are read at the same time.
        """
        self._reader = reader
        self._intake = intake
        self._references = references
        self._lease = lease
        self._room = asyncio.Semaphore(at_once)
        self._recorded = Coalescer[tuple[Target, Content], bool](
            self._record, linger=_LINGER_SECONDS
        )

    async def fetch(self, job: ClaimedJob) -> ClaimedJob:
        """Bring in the bytes of a job's document; the job as it is with them.

        Raises:
            SourceGone: they are not where they were.
            SourceUnavailable: they cannot be read now.
            DocumentRejected: a subclass names the limit that they break.
            LeaseLost: somebody else has the job; nothing is left of them.
            StoreUnavailable: they cannot be kept now.
        """
        async with self._room:
            content = await self._keep(job)
        if not await self._recorded((Target.of(job), content)):
            await self._discard(job, content)
            raise LeaseLost
        return replace(
            job,
            raw_key=content.raw_key,
            bytes_len=content.bytes_len,
            media_type=content.media_type,
        )

    async def _keep(self, job: ClaimedJob) -> Content:
        uri = identity.external_id(job.name) or ""
        if not self._reader.is_shared(uri):
            raise SourceUnavailable(f"{uri!r} is in no bucket and no shared folder of this node")
        try:
            return await self._intake.keep(job.tenant_id, job.filename, self._reader.read(uri))
        except NotFound as exc:
            raise SourceGone(exc.message) from exc

    async def _record(self, fetched: list[tuple[Target, Content]]) -> list[bool]:
        """Whether the lease of each held."""
        held = await self._references.record(
            fetched, lease=self._lease, blob_is_there=self._intake.has
        )
        return [target.lease.job_id in held for target, _ in fetched]

    async def _discard(self, job: ClaimedJob, content: Content) -> None:
        """A document that was deleted while it was fetched leaves no bytes behind."""
        try:
            await self._intake.discard(job.tenant_id, content.raw_key)
        except StoreUnavailable as exc:
            log.warning("bytes not discarded", key=content.raw_key, code=exc.code)
