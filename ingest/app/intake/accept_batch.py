"""Accepting the files of one request: all of their bytes first, then all of their jobs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from ingest.app.intake.upload import SMALL_BYTES, Intake, UploadRequest
from ingest.domain.arrival import Accepted, Arrival
from ingest.domain.errors import DocumentRejected, IngestError, RequestRejected

_Brought = asyncio.Future[Arrival | IngestError]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One file of a request."""

    request: UploadRequest | IngestError
    """What the client says about it, or why that cannot be accepted."""
    content: AsyncIterator[bytes]
    """Its bytes, to be read before the next file."""


async def accept_batch(
    intake: Intake, files: AsyncIterator[Incoming]
) -> list[Accepted | IngestError]:
    """Store files as they arrive, and enqueue their jobs when the last has arrived.

    At most twice SMALL_BYTES plus the storage's part size are held in memory.

    Args:
        intake: Accepts each file.
        files: The files, all of one tenant, lane and correlation id. If it raises, nothing is
            enqueued, and the bytes that were stored are removed.

    Returns:
        What became of each file, in order: accepted, or the error of an upload of this file alone.

    Raises:
        StoreUnavailable: nothing was accepted; try again later.
    """
    bringing: list[_Brought] = []
    try:
        await _bring_all(intake, files, bringing)
        brought = await _all_of(bringing)
    except BaseException:
        await _give_up(intake, bringing)
        raise
    arrivals = [one for one in brought if isinstance(one, Arrival)]
    enqueued = iter(await intake.accept_all(arrivals))
    return [next(enqueued) if isinstance(one, Arrival) else one for one in brought]


async def _bring_all(
    intake: Intake, files: AsyncIterator[Incoming], bringing: list[_Brought]
) -> None:
    held_bytes = 0
    async for file in files:
        if isinstance(file.request, IngestError):
            bringing.append(_ended(file.request))
            continue
        head, is_whole = await _read_head(file.content)
        held_bytes += sum(map(len, head))
        if is_whole:
            # Small files are stored at the same time: together they cost one flush of their folder.
            bringing.append(asyncio.create_task(_bring(intake, file.request, _parts(head))))
        if held_bytes > SMALL_BYTES:
            await _all_of(bringing)
            held_bytes = 0
        if not is_whole:
            body = _parts(head, file.content)
            bringing.append(_ended(await _bring(intake, file.request, body)))


async def _bring(
    intake: Intake, request: UploadRequest, body: AsyncIterator[bytes]
) -> Arrival | IngestError:
    try:
        return await intake.bring(request, body)
    except (DocumentRejected, RequestRejected) as exc:
        return exc


async def _all_of(bringing: Sequence[_Brought]) -> list[Arrival | IngestError]:
    """Wait for all; raises the first error that concerns more than one file."""
    if bringing:
        await asyncio.wait(bringing)  # other than ``gather``, it never cancels what is being stored
    return [one.result() for one in bringing]


async def _give_up(intake: Intake, bringing: Sequence[_Brought]) -> None:
    if bringing:
        await asyncio.wait(bringing)
    ended = [one.result() for one in bringing if not one.cancelled() and not one.exception()]
    await intake.clear_away([one for one in ended if isinstance(one, Arrival)])


async def _read_head(content: AsyncIterator[bytes]) -> tuple[list[bytes], bool]:
    """The first bytes of a file, a little over SMALL_BYTES, and whether they are all."""
    parts: list[bytes] = []
    bytes_len = 0
    async for part in content:
        parts.append(part)
        bytes_len += len(part)
        if bytes_len > SMALL_BYTES:
            return parts, False
    return parts, True


async def _parts(
    head: Sequence[bytes], rest: AsyncIterator[bytes] | None = None
) -> AsyncIterator[bytes]:
    for part in head:
        yield part
    if rest is not None:
        async for part in rest:
            yield part


def _ended(result: Arrival | IngestError) -> _Brought:
    ended: _Brought = asyncio.get_running_loop().create_future()
    ended.set_result(result)
    return ended
