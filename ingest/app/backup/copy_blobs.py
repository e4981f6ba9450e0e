"""Copying a blob from one storage to another, whole or not at all."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING
from uuid import uuid4

from ingest.domain.errors import BackupUnusable
from ingest.domain.identity import blob_digest

if TYPE_CHECKING:
    from ingest.adapters.storage.blob_store import ObjectBlobStore


_AT_ONCE = 4
"""Blobs that are copied at the same time."""


async def copy(
    key: str, source: "ObjectBlobStore", target: "ObjectBlobStore", *, incoming: str = "incoming"
) -> None:
    """Copy a blob; it appears under its key only when its bytes fit its digest.

    Args:
        key: Of the blob, in both.
        source: Where it is.
        target: Where it belongs.
        incoming: Key under which it is kept there until it is whole.

    Raises:
        NotFound: there is no such blob.
        BackupUnusable: its bytes are not what its key says.
        StoreUnavailable: a storage failed.
    """
    digest = hashlib.sha256()

    async def hashed() -> AsyncIterator[bytes]:
        async for data in source.read(key):
            digest.update(data)
            yield data

    part = f"{incoming}/{uuid4()}"
    await target.put_stream(part, hashed())
    if digest.hexdigest() != blob_digest(key):
        await target.delete(part)
        raise BackupUnusable(f"the bytes of the blob {key!r} are not what its name says")
    await target.rename(part, key)


async def in_turn(keys: Iterable[str], act: Callable[[str], Awaitable[None]]) -> None:
    """Do something for each key, a few at a time; the first error ends it and is raised."""
    left = iter(keys)

    async def work() -> None:
        for key in left:
            await act(key)

    workers = [asyncio.create_task(work()) for _ in range(_AT_ONCE)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
