"""Blobs of documents: kept while a row refers to them, removed with the last that does.

Blobs are stored before the row that refers to them, and removed before the row is. A lock on the
key stands between the two: whoever commits a reference takes it and looks, whoever removes takes
it and counts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from ingest.adapters.postgres.pool import Connection
from ingest.adapters.postgres.statements import load
from ingest.domain.errors import StoreUnavailable

SQL = load("documents")


async def ensure_kept(
    connection: Connection, keys: Collection[str], is_there: Callable[[str], Awaitable[bool]]
) -> None:
    """Let a transaction commit references to blobs only if all of them are there.

    Raises:
        StoreUnavailable: one was removed after it was stored; storing it again helps.
    """
    wanted = sorted(set(keys))
    await connection.execute(SQL["lock_blobs"], wanted)
    if not all(await asyncio.gather(*map(is_there, wanted))):
        raise StoreUnavailable("the stored bytes were deleted meanwhile")


async def remove_unused(
    connection: Connection, tenant_id: UUID, key: str, remove_blob: Callable[[str], Awaitable[None]]
) -> bool:
    """Remove a blob that nothing has any more; True when it was."""
    await connection.execute(SQL["lock_blobs"], [key])
    if await connection.fetchval(SQL["blob_in_use"], tenant_id, key):
        return False
    await remove_blob(key)
    return True
