"""Restoring a backup: everything is checked first, the database comes last."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.app.backup.copy_blobs import copy, in_turn
from ingest.domain.backup import Manifest
from ingest.domain.errors import BackupUnusable, NotFound

if TYPE_CHECKING:
    from ingest.adapters.postgres.backup.dump import PostgresDump
    from ingest.adapters.storage.backup_folder import LocalBackupFolder
    from ingest.adapters.storage.blob_store import ObjectBlobStore


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that is in its place."""

    manifest: Manifest
    requeued: int
    """Jobs that were under way at the recovery point, and begin again at their last step."""


async def restore(
    archive: "PostgresDump",
    blobs: "ObjectBlobStore",
    folder: "LocalBackupFolder",
    *,
    revisions: Collection[str],
    replace: bool,
) -> Restored:
    """Bring a database and its blobs to what a backup holds.

    Args:
        archive: The database.
        blobs: Where its blobs belong; others that are there stay.
        folder: The backup.
        revisions: Schemas that this code knows.
        replace: What the database holds may go.

    Raises:
        BackupUnusable: the backup is torn or of a newer version; nothing was changed but blobs.
        RestoreRefused: the database holds something, or a worker is at it.
        StoreUnavailable: database or storage failed.
    """
    manifest = await asyncio.to_thread(_checked, folder, revisions)
    await archive.ensure_unused(replace=replace)

    async def copy_one(key: str) -> None:
        try:
            await copy(key, folder.blobs, blobs)
        except NotFound as exc:
            raise BackupUnusable(f"the backup lacks the blob {key!r}") from exc

    await in_turn(manifest.blobs, copy_one)
    return Restored(manifest, await archive.restore(manifest, folder.place(manifest.dump)))


def _checked(folder: "LocalBackupFolder", revisions: Collection[str]) -> Manifest:
    manifest = folder.manifest()
    if manifest is None:
        raise BackupUnusable("the folder holds no backup that was completed")
    if manifest.revision not in revisions:
        raise BackupUnusable(
            f"the backup has schema {manifest.revision}, taken by ingest {manifest.version}; "
            f"this version knows up to {max(revisions)}"
        )
    if folder.digest(manifest.dump) != manifest.dump_sha256:
        raise BackupUnusable(f"the dump {manifest.dump!r} is not the one that was taken")
    torn = [key for key, size in manifest.blobs.items() if folder.size(key) != size]
    if torn:
        raise BackupUnusable(f"{len(torn)} blobs are missing or torn, such as {min(torn)!r}")
    return manifest
