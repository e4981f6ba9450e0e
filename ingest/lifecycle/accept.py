"""Accepting an upload: bytes into storage while they are hashed, then one job."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

from ingest.domain import identity
from ingest.domain.arrival import Accepted, Arrival
from ingest.domain.document import clean_filename
from ingest.domain.errors import DocumentEmpty, DocumentTooLarge, InvalidRequest
from ingest.domain.job import Lane
from ingest.domain.limits import LimitReached
from ingest.domain.media import sniff
from ingest.ports import AcceptsUploads, BlobStore

SMALL_BYTES = 1024 * 1024
"""Uploads up to this size are hashed in memory and written once; larger ones are streamed."""
MAX_EXTERNAL_ID_CHARS = 512
MAX_IDEMPOTENCY_KEY_CHARS = 200


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What a client says about an upload."""

    user_id: UUID
    filename: str
    correlation_id: str
    external_id: str | None = None
    """The client's own name; new bytes under it are the document's next generation."""
    idempotency_key: str | None = None
    lane: Lane = Lane.INTERACTIVE


class Intake:
    """Takes uploads in: all of one, or nothing of it."""

    def __init__(self, blobs: BlobStore, documents: AcceptsUploads, *, max_bytes: int) -> None:
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
            InvalidRequest: external_id or idempotency_key is not acceptable.
            Conflict: the idempotency key was used for other content.
            LimitReached: the tenant may have no more jobs now; its bytes are removed.
            StoreUnavailable: try again later.
        """
        filename = clean_filename(request.filename)
        _check_names(request)
        meter = _Meter(body, self._max_bytes)
        head = await meter.read_up_to(SMALL_BYTES)
        if not head:
            raise DocumentEmpty("the document has 0 bytes")
        media_type = sniff(head, filename=filename)
        if meter.finished:
            key = identity.raw_key(request.user_id, meter.sha256)
            await self._blobs.put(key, head)
        else:
            key = await self._stream(request.user_id, head, meter)
        name = (
            identity.external_name(request.external_id)
            if request.external_id is not None
            else identity.content_name(meter.sha256)
        )
        arrival = Arrival(
            document_id=identity.document_id(request.user_id, name),
            user_id=request.user_id,
            name=name,
            filename=filename,
            media_type=media_type,
            bytes_len=meter.total,
            file_sha256=meter.sha256,
            raw_key=key,
            job_id=uuid4(),
            correlation_id=request.correlation_id,
            lane=request.lane,
            idempotency_key=request.idempotency_key,
        )
        try:
            return await self._documents.accept(arrival, blob_is_there=self._blobs.exists)
        except LimitReached:
            await self._documents.discard_blob(request.user_id, key, remove_blob=self._blobs.delete)
            raise

    async def _stream(self, user_id: UUID, head: bytes, meter: "_Meter") -> str:
        incoming = identity.incoming_key(user_id, uuid4())
        await self._blobs.put_stream(incoming, meter.rest(head))
        key = identity.raw_key(user_id, meter.sha256)
        await self._blobs.rename(incoming, key)
        return key


class _Meter:
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
        if self.total > self._max_bytes:
            raise DocumentTooLarge(f"the document has over {self._max_bytes} bytes, the limit")
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


def _check_names(request: UploadRequest) -> None:
    for label, value, limit in (
        ("external_id", request.external_id, MAX_EXTERNAL_ID_CHARS),
        ("idempotency key", request.idempotency_key, MAX_IDEMPOTENCY_KEY_CHARS),
    ):
        if value is None:
            continue
        if not value or len(value) > limit:
            raise InvalidRequest(f"the {label} has {len(value)} characters, allowed 1 to {limit}")
        if not value.isprintable():
            raise InvalidRequest(f"the {label} holds characters that cannot be printed")
