"""Registering the objects of a source: a document and a job for each, many at a time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from ingest.domain.errors import DocumentRejected, IngestError, InvalidRequest, RequestRejected
from ingest.domain.job import Lane
from ingest.domain.source import MAX_URI_CHARS, SourceObject, SourceUnavailable
from ingest.lifecycle.accept import Intake, UploadRequest
from ingest.ports.sources import Source

log = structlog.get_logger(module=__name__)


@dataclass(slots=True)
class Registered:
    """What became of the objects so far."""

    listed: int = 0
    created: int = 0
    """Jobs that were made."""
    there_already: int = 0
    """Objects with the very content of a document that is there or on its way."""
    bytes_len: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Objects that no job was made for, by the code of the error."""

    @property
    def done(self) -> int:
        """Objects that are dealt with."""
        return self.created + self.there_already + self.refused.total()


class Registrar:
    """Brings the objects of sources to where the pipeline finds them."""

    def __init__(
        self,
        intake: Intake,
        *,
        user_id: UUID,
        run: str,
        at_once: int,
        wanted: Callable[[SourceObject], bool],
        limit: int | None = None,
    ) -> None:
        """Put the registrar together.

        Args:
            intake: Takes each object in, as it takes an upload.
            user_id: Whose documents they become.
            run: Names this backfill in the history of its jobs.
            at_once: Objects that are read at the same time.
            wanted: Which of the listed objects are meant.
            limit: Most objects, of those that are meant.
        """
        self._intake = intake
        self._user_id = user_id
        self._run = run
        self._at_once = at_once
        self._wanted = wanted
        self._limit = limit
        self.registered = Registered()

    async def register(self, source: Source) -> None:
        """Register every object of a source; what is there already costs no job.

        An object that cannot be taken is counted and logged; the others go on.

        Raises:
            SourceUnavailable: the source cannot be listed.
            StoreUnavailable: the database or the blob storage is away; doing it again goes on.
        """
        feed: asyncio.Queue[SourceObject | None] = asyncio.Queue(maxsize=2 * self._at_once)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._at_once):
                    group.create_task(self._take(source, feed))
                async for found in self._meant(source):
                    await feed.put(found)
                for _ in range(self._at_once):
                    await feed.put(None)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _meant(self, source: Source) -> AsyncIterator[SourceObject]:
        async for found in source.objects():
            if not self._wanted(found):
                continue
            if self._limit is not None and self.registered.listed >= self._limit:
                return
            self.registered.listed += 1
            yield found

    async def _take(self, source: Source, feed: "asyncio.Queue[SourceObject | None]") -> None:
        while (found := await feed.get()) is not None:
            try:
                await self._accept(source, found)
            except (DocumentRejected, RequestRejected, SourceUnavailable) as exc:
                self._refuse(found, exc)

    async def _accept(self, source: Source, found: SourceObject) -> None:
        if len(found.uri) > MAX_URI_CHARS:
            raise InvalidRequest(f"the URI has {len(found.uri)} characters, limit {MAX_URI_CHARS}")
        request = UploadRequest(
            user_id=self._user_id,
            filename=found.filename,
            correlation_id=self._run,
            external_id=found.uri,
            lane=Lane.BACKFILL,
        )
        accepted = await self._intake.accept(request, source.read(found))
        if accepted.created:
            self.registered.created += 1
            self.registered.bytes_len += found.bytes_len
        else:
            self.registered.there_already += 1

    def _refuse(self, found: SourceObject, error: IngestError) -> None:
        self.registered.refused[error.code] += 1
        log.warning("object not taken", uri=found.uri, code=error.code, detail=error.message)
