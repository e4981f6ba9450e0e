"""Registering the objects of sources: first in the inventory, then as documents with a job each."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import structlog

from ingest.app.backfill.register_references import Became, ReferenceRegistrar
from ingest.app.intake.upload import Intake
from ingest.coalesce import Coalescer
from ingest.domain.arrival import NEVER, Accepted, Arrival
from ingest.domain.errors import (
    DocumentDeleted,
    DocumentRejected,
    IngestError,
    InvalidRequest,
    RequestRejected,
    SourceChanged,
    SourceUnavailable,
    StoreUnavailable,
)
from ingest.domain.job import Lane
from ingest.domain.source_object import MAX_URI_CHARS, Broken, RegisteredObject, SourceObject
from ingest.ports.sources import Source

if TYPE_CHECKING:
    from ingest.adapters.postgres.documents.reference_store import ReferenceStore
    from ingest.adapters.postgres.documents.source_store import SourceStore
    from ingest.adapters.sources import Objects


log = structlog.get_logger(module=__name__)
PAGE = 1000
"""Objects that are written into the inventory at once."""
_READ_TRIES = 3
_STORE_TRIES = 8
_FIRST_DELAY_SECONDS = 0.25
_IDLE_SECONDS = 0.05
_LINGER_SECONDS = 0.02
"""How long what was read waits for others, to be registered with them."""
_HANDS = 4
"""Objects under way for each one that is read: the others wait to be registered together."""
_WAYS = 2
"""Statements that register at the same time: one is prepared while the other is carried out."""
T = TypeVar("T")


@dataclass(slots=True)
class Registered:
    """What became of the objects so far."""

    listed: int = 0
    """Different ones that are meant."""
    created: int = 0
    """Jobs that were made."""
    there_already: int = 0
    """Objects with the very content of a document that is there or on its way."""
    unchanged: int = 0
    """Those of them that did not have to be read to know."""
    deleted: int = 0
    """Objects whose documents were deleted, and may not come back."""
    bytes_len: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Objects that no job was made for, by the code of the error."""

    @property
    def done(self) -> int:
        """Objects that are dealt with."""
        return self.created + self.there_already + self.deleted + self.refused.total()

    @property
    def left_over(self) -> int:
        """Objects that were listed and not dealt with: by another run, which lists them, too."""
        return max(0, self.listed - self.done)


class Registrar:
    """Brings the objects of sources to where the pipeline finds them."""

    def __init__(
        self,
        intake: Intake,
        inventory: "SourceStore",
        references: "ReferenceStore",
        reader: "Objects",
        *,
        tenant_id: UUID,
        run: str,
        lane: Lane = Lane.BACKFILL,
        at_once: int,
        wanted: Callable[[SourceObject], bool],
        limit: int | None = None,
        restores_before: datetime = NEVER,
    ) -> None:
        """Begin.

        Args:
            intake: Takes each object in, as it takes an upload.
            inventory: Where it is noted what was listed, and what was taken in.
            references: Takes in what can be read later.
            reader: Reads what was listed.
            tenant_id: Whose documents they become.
            run: Names this backfill, in the inventory and in the history of its jobs.
            lane: Of the jobs.
            at_once: Objects that are read at the same time.
            wanted: Which of the listed objects are meant.
            limit: Most objects, of those that are meant.
            restores_before: Documents that were deleted before this come back; others do not.
        """
        self._intake = intake
        self._inventory = inventory
        self._reader = reader
        self._references = ReferenceRegistrar(
            intake,
            references,
            reader,
            tenant_id=tenant_id,
            run=run,
            lane=lane,
            restores_before=restores_before,
        )
        self._tenant_id = tenant_id
        self._run = run
        self._at_once = at_once
        self._wanted = wanted
        self._limit = limit
        self._restores_before = restores_before
        self._listing_ended = asyncio.Event()
        self._under_way: set[str] = set()
        self._room = asyncio.Semaphore(at_once)
        self._enqueued = Coalescer[tuple[SourceObject, Arrival], Accepted | None](
            self._references.insert, linger=_LINGER_SECONDS
        )
        self._taken: list[RegisteredObject] = []
        self.registered = Registered()

    async def register(self, sources: Sequence[Source]) -> None:
        """Register every object of the sources; what did not change since costs no reading.

        An object that cannot be taken is counted and logged; the others go on.

        Raises:
            SourceUnavailable: a source cannot be listed.
            LimitReached: the tenant may have no more jobs now.
            StoreUnavailable: the database or the blob storage stays away; doing it again goes on.
        """
        feed: asyncio.Queue[SourceObject | None] = asyncio.Queue(maxsize=self._at_once)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._list(sources))
                group.create_task(self._feed(feed))
                for _ in range(_HANDS * self._at_once):
                    group.create_task(self._work(feed))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            await self._enqueued.stop()
            with contextlib.suppress(StoreUnavailable):  # then they are met again, and known
                await self._mark()

    async def _list(self, sources: Sequence[Source]) -> None:
        page: list[SourceObject] = []
        for source in sources:
            async for found in source.objects():
                if isinstance(found, Broken):
                    self.registered.listed += 1
                    self._refuse(found.place, found.error)
                elif self._wanted(found):
                    page.append(found)
                room = PAGE if self._limit is None else self._limit - self.registered.listed
                if len(page) >= min(room, PAGE):
                    await self._note(page)
                    page = []
                if self._limit is not None and self.registered.listed >= self._limit:
                    self._listing_ended.set()
                    return
        await self._note(page)
        self._listing_ended.set()

    async def _note(self, page: Sequence[SourceObject]) -> None:
        short = [found for found in page if len(found.uri) <= MAX_URI_CHARS]
        if short:
            noted = await while_away(
                lambda: self._inventory.note(
                    self._tenant_id, self._run, short, restores_before=self._restores_before
                )
            )
            self.registered.listed += noted.objects - noted.repeated
            self.registered.unchanged += noted.unchanged
            self.registered.there_already += noted.unchanged
            self.registered.deleted += noted.deleted
        for found in page:
            if len(found.uri) > MAX_URI_CHARS:
                self.registered.listed += 1
                limit = f"the URI has {len(found.uri)} characters, limit {MAX_URI_CHARS}"
                self._refuse(found.uri, InvalidRequest(limit))

    async def _feed(self, feed: "asyncio.Queue[SourceObject | None]") -> None:
        """Hand out what the inventory has for this run until nothing is left of the listing."""
        while True:
            listing_ended = self._listing_ended.is_set()
            await self._mark()
            pending = await while_away(
                lambda: self._inventory.pending(
                    self._tenant_id, self._run, limit=PAGE, besides=sorted(self._under_way)
                )
            )
            can_wait, at_once = self._references.divide(pending)
            ways = (can_wait[way::_WAYS] for way in range(_WAYS))
            await asyncio.gather(*(self._refer(part) for part in ways if part))
            for found in at_once:
                self._under_way.add(found.uri)
                await feed.put(found)
            if pending:
                continue
            if listing_ended and not self._under_way:
                break
            await asyncio.sleep(_IDLE_SECONDS)
        for _ in range(_HANDS * self._at_once):
            await feed.put(None)

    async def _mark(self) -> None:
        taken = self._taken[:]
        if taken:
            await while_away(lambda: self._inventory.mark(self._tenant_id, taken))
            del self._taken[: len(taken)]
            self._under_way.difference_update(one.uri for one in taken)

    async def _refer(self, pending: Sequence[SourceObject]) -> None:
        ended = await while_away(lambda: self._references.register_references(pending))
        for found, became in zip(pending, ended, strict=True):
            self._end(found, became)

    async def _work(self, feed: "asyncio.Queue[SourceObject | None]") -> None:
        while (found := await feed.get()) is not None:
            try:
                self._end(found, await while_away(partial(self._take_in, found)))
            except (DocumentRejected, RequestRejected, SourceUnavailable, SourceChanged) as exc:
                self._end(found, exc)

    async def _take_in(self, found: SourceObject) -> Accepted | None:
        """Read an object, and make a document of it together with the others read meanwhile."""
        async with self._room:
            arrival = await self._bring(found)
        return await self._enqueued((found, arrival))

    async def _bring(self, found: SourceObject) -> Arrival:
        request = self._references.request(found)
        for trial in range(_READ_TRIES):
            try:
                return await self._intake.bring(request, self._reader.read(found.uri))
            except (SourceUnavailable, SourceChanged):
                if trial == _READ_TRIES - 1:
                    raise
                await asyncio.sleep(_FIRST_DELAY_SECONDS * 2**trial)
        raise AssertionError("the last trial returns or raises")

    def _end(self, found: SourceObject, became: Became) -> None:
        if isinstance(became, IngestError):
            if isinstance(became, DocumentDeleted):
                self.registered.deleted += 1
            else:
                self._refuse(found.uri, became)
            self._taken.append(RegisteredObject(found.uri, found.version, refused_code=became.code))
            return
        if became is None:
            self._under_way.discard(found.uri)
        else:
            taken = RegisteredObject(
                found.uri, found.version, became.document_id, became.generation
            )
            self._taken.append(taken)
        if became is None or became.created:
            self.registered.created += 1
            self.registered.bytes_len += found.bytes_len
        else:
            self.registered.there_already += 1

    def _refuse(self, what: str, error: IngestError) -> None:
        self.registered.refused[error.code] += 1
        log.warning("object not taken", uri=what, code=error.code, detail=error.message)


async def while_away(act: Callable[[], Awaitable[T]]) -> T:
    """Do something again while the database or the blob storage is away, for about a minute."""
    for trial in range(_STORE_TRIES):
        try:
            return await act()
        except StoreUnavailable as exc:
            if trial == _STORE_TRIES - 1:
                raise
            log.warning("not registered yet", reason=exc.message)
            await asyncio.sleep(_FIRST_DELAY_SECONDS * 2**trial)
    raise AssertionError("the last trial returns or raises")
