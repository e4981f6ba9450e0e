"""Accepting a document: bytes into storage while they are hashed, then one job."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import structlog

from ingest.domain import identity
from ingest.domain.arrival import Accepted, Arrival, Content
from ingest.domain.document import clean_filename
from ingest.domain.errors import (
    DocumentEmpty,
    DocumentExists,
    DocumentTooLarge,
    IngestError,
    InvalidRequest,
    LimitReached,
    StoreUnavailable,
)
from ingest.domain.job import Lane
from ingest.domain.media_type import guess, sniff
from ingest.ports import BlobStore

if TYPE_CHECKING:
    from ingest.adapters.postgres.documents.document_store import DocumentStore


log = structlog.get_logger(module=__name__)
SMALL_BYTES = 1024 * 1024
"""Uploads up to this size are hashed in memory and written once; larger ones are streamed."""
MAX_EXTERNAL_ID_CHARS = 512
MAX_IDEMPOTENCY_KEY_CHARS = 200
MAX_SOURCE_PATH_CHARS = 1024
_REMOVES_BYTES = (LimitReached, DocumentExists)
"""Errors after which the stored bytes of an upload are removed."""


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What a client says about an upload."""

    tenant_id: UUID
    filename: str
    correlation_id: str
    external_id: str | None = None
    """The client's own name; new bytes under it are the document's next generation."""
    idempotency_key: str | None = None
    lane: Lane = Lane.INTERACTIVE
    source_path: str | None = None
    """Where the client has it; told when other bytes take its external_id."""
    replace: bool = True
    """Whether new bytes may be the next generation of a document that exists."""
    restores_before: datetime | None = None
    """A deletion before this lets the document come back, a later one does not; None: any does."""


class Intake:
    """Takes uploads in: all of one, or nothing of it."""

    def __init__(self, blobs: BlobStore, documents: "DocumentStore", *, max_bytes: int) -> None:
        self._blobs = blobs
        self._documents = documents
        self._max_bytes = max_bytes

    async def accept(self, request: UploadRequest, body: AsyncIterator[bytes]) -> Accepted:
        """Store a body as it arrives and enqueue its job.

        At most SMALL_BYTES plus the storage's part size are held in memory. When anything
        fails, no document and no job exist, and no unfinished blob is left; complete bytes may
        stay in storage under their digest, where the next try finds them.

        Raises:
            DocumentRejected: a subclass names the limit; InvalidFilename, UnsupportedMediaType,
                DocumentTooLarge or DocumentEmpty.
            InvalidRequest: external_id, idempotency_key or source_path is not acceptable.
            Conflict: the idempotency key was used for other content.
            DocumentExists: other bytes have the external_id, and they may not be replaced; the
                bytes of this upload are removed.
            LimitReached: the tenant may have no more jobs now; its bytes are removed.
            StoreUnavailable: try again later.
        """
        arrival = await self.bring(request, body)
        try:
            return await self.enqueue(arrival)
        except _REMOVES_BYTES:
            await self.give_up(arrival)
            raise

    async def accept_all(self, arrivals: Sequence[Arrival]) -> list[Accepted | IngestError]:
        """Make documents and their jobs of many uploads, as if they came one after the other.

        Those that are new, or there already, share one transaction. The others follow one by one:
        next generations, those with an idempotency key, and those with a document in common.

        Args:
            arrivals: What was brought, all of one tenant, lane, correlation id and
                ``restores_before``.

        Returns:
            What became of each: an error is one of those that ``accept`` raises, and its bytes are
            removed as there. After a StoreUnavailable, those that follow have it, too.

        Raises:
            StoreUnavailable: nothing was accepted; try again later.
        """
        different: dict[UUID, Arrival] = {}
        for one in arrivals:
            different.setdefault(one.document_id, one)
        together = [one for one in different.values() if one.idempotency_key is None]
        accepted = await self._documents.accept_together(together, blob_is_there=self._blobs.exists)
        ended: list[Accepted | IngestError] = []
        away: StoreUnavailable | None = None
        for one in arrivals:
            became = accepted.get(one.job_id) or away or await self._try_to_enqueue(one)
            away = became if isinstance(became, StoreUnavailable) else away
            ended.append(became)
        # Last, because an upload that follows may need the same bytes.
        refused = zip(arrivals, ended, strict=True)
        await self.clear_away(
            [one for one, became in refused if isinstance(became, _REMOVES_BYTES)]
        )
        return ended

    async def _try_to_enqueue(self, arrival: Arrival) -> Accepted | IngestError:
        try:
            return await self.enqueue(arrival)
        except IngestError as exc:
            return exc

    async def bring(self, request: UploadRequest, body: AsyncIterator[bytes]) -> Arrival:
        """Store a body as it arrives; what is left is to enqueue it, or to give it up.

        Raises:
            DocumentRejected: a subclass names the limit.
            InvalidRequest: external_id, idempotency_key or source_path is not acceptable.
            StoreUnavailable: try again later.
        """
        filename = clean_filename(request.filename)
        _check_names(request)
        content = await self.keep(request.tenant_id, filename, body)
        name = (
            identity.external_name(request.external_id)
            if request.external_id is not None
            else identity.content_name(content.sha256)
        )
        arrival = _arrival(request, name, filename, content.media_type, content.bytes_len)
        return replace(arrival, file_sha256=content.sha256, raw_key=content.raw_key)

    async def give_up(self, arrival: Arrival) -> None:
        """Remove the bytes of what was brought, if no document has them.

        Raises:
            StoreUnavailable: they stay.
        """
        if arrival.raw_key is not None:
            await self.discard(arrival.tenant_id, arrival.raw_key)

    async def clear_away(self, arrivals: Iterable[Arrival]) -> None:
        """Give up uploads; bytes that cannot be removed now stay, and are logged."""
        for arrival in {one.raw_key: one for one in arrivals}.values():
            try:
                await self.give_up(arrival)
            except StoreUnavailable as exc:
                log.warning("bytes not discarded", key=arrival.raw_key, code=exc.code)

    async def keep(self, tenant_id: UUID, filename: str, body: AsyncIterator[bytes]) -> Content:
        """Store a body as it arrives, within the limits of a document; no row refers to it yet.

        Raises:
            DocumentRejected: a subclass names the limit.
            StoreUnavailable: try again later.
        """
        meter = _HashingReader(body, self._max_bytes)
        head = await meter.read_up_to(SMALL_BYTES)
        if not head:
            raise DocumentEmpty("the document has 0 bytes")
        media_type = sniff(head, filename=filename)
        if meter.finished:
            key = identity.raw_key(tenant_id, meter.sha256)
            await self._blobs.put(key, head)
        else:
            key = await self._stream(tenant_id, head, meter)
        return Content(meter.sha256, key, meter.total, media_type)

    async def has(self, raw_key: str) -> bool:
        """Whether bytes that were kept are there."""
        return await self._blobs.exists(raw_key)

    async def discard(self, tenant_id: UUID, raw_key: str) -> None:
        """Remove bytes that were kept, if no document has them.

        Raises:
            StoreUnavailable: they stay.
        """
        await self._documents.discard_blob(tenant_id, raw_key, remove_blob=self._blobs.delete)

    def reference(self, request: UploadRequest, *, bytes_len: int) -> Arrival:
        """A named document of which the bytes are still to be fetched.

        Args:
            request: With its external id.
            bytes_len: As it was listed.

        Raises:
            DocumentRejected: InvalidFilename or DocumentTooLarge.
            InvalidRequest: the external id is missing or not acceptable.
        """
        filename = clean_filename(request.filename)
        if request.external_id is None:
            raise InvalidRequest("a document without bytes needs an external_id")
        _check_names(request)
        _check_size(bytes_len, self._max_bytes)
        name = identity.external_name(request.external_id)
        return _arrival(request, name, filename, guess(filename), bytes_len)

    async def enqueue(self, arrival: Arrival) -> Accepted:
        """Make a document and its job, of bytes that are kept or still to be fetched.

        Raises:
            Conflict: the idempotency key was used for other content.
            DocumentExists: other bytes have the name, and they may not be replaced.
            DocumentDeleted: it was deleted, and the request does not bring it back.
            LimitReached: the tenant may have no more jobs now.
            StoreUnavailable: nothing was accepted.
        """
        return await self._documents.accept(arrival, blob_is_there=self._blobs.exists)

    async def _stream(self, tenant_id: UUID, head: bytes, meter: "_HashingReader") -> str:
        incoming = identity.incoming_key(tenant_id, uuid4())
        await self._blobs.put_stream(incoming, meter.rest(head))
        key = identity.raw_key(tenant_id, meter.sha256)
        await self._blobs.rename(incoming, key)
        return key


class _HashingReader:
    """Counts and hashes a body while somebody else reads it."""

    def __init__(self, body: AsyncIterator[bytes], max_bytes: int) -> None:
        self._body = body
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self.total = 0
        self.finished = False

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    async def _next(self) -> bytes:
        try:
            part = await anext(self._body)
        except StopAsyncIteration:
            self.finished = True
            return b""
        self.total += len(part)
        _check_size(self.total, self._max_bytes)
        self._digest.update(part)
        return part

    async def read_up_to(self, count: int) -> bytes:
        parts: list[bytes] = []
        while not self.finished and self.total <= count:
            parts.append(await self._next())
        return b"".join(parts)

    async def rest(self, head: bytes) -> AsyncIterator[bytes]:
        yield head
        while not self.finished:
            if part := await self._next():
                yield part


def _arrival(
    request: UploadRequest, name: str, filename: str, media_type: str, bytes_len: int
) -> Arrival:
    """A document whose bytes are still where they come from."""
    return Arrival(
        document_id=identity.document_id(request.tenant_id, name),
        tenant_id=request.tenant_id,
        name=name,
        filename=filename,
        media_type=media_type,
        bytes_len=bytes_len,
        file_sha256=None,
        raw_key=None,
        job_id=uuid4(),
        correlation_id=request.correlation_id,
        lane=request.lane,
        idempotency_key=request.idempotency_key,
        source_path=request.source_path,
        replace=request.replace,
        restores_before=request.restores_before,
    )


def _check_size(bytes_len: int, most: int) -> None:
    if bytes_len > most:
        raise DocumentTooLarge(f"the document has over {most} bytes, the limit")


def _check_names(request: UploadRequest) -> None:
    for label, value, limit in (
        ("external_id", request.external_id, MAX_EXTERNAL_ID_CHARS),
        ("idempotency key", request.idempotency_key, MAX_IDEMPOTENCY_KEY_CHARS),
        ("source_path", request.source_path, MAX_SOURCE_PATH_CHARS),
    ):
        if value is None:
            continue
        if not value or len(value) > limit:
            raise InvalidRequest(f"the {label} has {len(value)} characters, allowed 1 to {limit}")
        if not value.isprintable():
            raise InvalidRequest(f"the {label} holds characters that cannot be printed")
