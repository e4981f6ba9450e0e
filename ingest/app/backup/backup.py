"""Taking a backup while the system runs: one moment of the database, then its blobs."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.app.backup.copy_blobs import copy, in_turn
from ingest.domain.backup import Manifest
from ingest.domain.errors import NotFound

if TYPE_CHECKING:
    from ingest.adapters.postgres.backup.dump import PostgresDump
    from ingest.adapters.storage.backup_folder import LocalBackupFolder
    from ingest.adapters.storage.blob_store import ObjectBlobStore


_LOOKS, _POLL_SECONDS = 10, 0.5


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """A backup that is complete."""

    manifest: Manifest
    copied: int
    """Blobs that were not in the folder before."""
    copied_bytes: int


async def take(
    archive: "PostgresDump", blobs: "ObjectBlobStore", folder: "LocalBackupFolder", *, version: str
) -> BackupSummary:
    """Bring a folder to the present state of the database and its blobs.

    The dump comes first: the blobs it refers to are stored before it, and never change. The
    folder's last backup stays whole until this one is complete.

    Raises:
        BackupUnusable: a blob's bytes are not what its name says, or another backup into the folder
            is under way.
        FolderRefused: the folder holds something that is no backup of ours.
        StoreUnavailable: database or storage failed.
    """
    with folder.opened() as dump:
        return await _take(archive, blobs, folder, dump, version)


async def _take(
    archive: "PostgresDump",
    blobs: "ObjectBlobStore",
    folder: "LocalBackupFolder",
    name: str,
    version: str,
) -> BackupSummary:
    async with archive.snapshot() as snapshot:
        await archive.dump(snapshot, folder.place(name))
    wanted = await asyncio.to_thread(folder.expect, snapshot.blob_keys)
    absent = await _copy_all(wanted, blobs, folder)
    missing = await _still_wanted(archive, absent)
    sizes = {key: folder.size(key) or 0 for key in snapshot.blob_keys if key not in absent}
    manifest = Manifest(
        version=version,
        revision=snapshot.revision,
        system_identifier=snapshot.system_identifier,
        database=snapshot.database,
        taken_at=snapshot.taken_at,
        counts=snapshot.counts,
        dump=name,
        dump_sha256=await asyncio.to_thread(folder.digest, name),
        blobs=sizes,
        gone=tuple(sorted(absent - missing)),
        missing=tuple(sorted(missing)),
    )
    await asyncio.to_thread(folder.complete, manifest)
    new = [key for key in wanted if key not in absent]
    return BackupSummary(manifest, len(new), sum(sizes[key] for key in new))


async def _still_wanted(archive: "PostgresDump", keys: set[str]) -> set[str]:
    """Which of these blobs documents refer to, other than those that are just being deleted.

    A deletion removes the blobs before it is committed, so it is given time to end.
    """
    for _ in range(_LOOKS):
        keys = await archive.still_refers_to(keys)
        if not keys:
            break
        await asyncio.sleep(_POLL_SECONDS)
    return keys


async def _copy_all(
    keys: Iterable[str], source: "ObjectBlobStore", folder: "LocalBackupFolder"
) -> set[str]:
    """Copy blobs; returns those that are not there."""
    absent: set[str] = set()
    target = folder.blobs

    async def copy_one(key: str) -> None:
        try:
            await copy(key, source, target, incoming=folder.incoming)
        except NotFound:
            absent.add(key)

    await in_turn(keys, copy_one)
    return absent
