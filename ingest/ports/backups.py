"""What taking a backup and restoring one need from outside."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.domain.backup import Manifest
from ingest.ports import BlobStore


class StreamedBlobs(BlobStore, Protocol):
    """Blobs that can be read without holding them."""

    def read(self, key: str) -> AsyncIterator[bytes]:
        """The bytes of a blob, in parts.

        Raises:
            NotFound: there is no such blob.
            StoreUnavailable: the storage did not answer, or refused.
        """
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The database at one moment."""

    name: str
    """What a dump of this very moment is asked for by."""
    revision: str
    system_identifier: str
    database: str
    taken_at: str
    counts: Mapping[str, int]
    blob_keys: tuple[str, ...]
    """Every blob that a row refers to."""


class DatabaseDump(Protocol):
    """A database that can be dumped and restored."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Hold one moment of the database while it goes on."""
        ...

    async def dump(self, snapshot: Snapshot, target: Path) -> None:
        """Write that moment to a file.

        Raises:
            StoreUnavailable: it did not work; says why.
        """
        ...

    async def still_refers_to(self, keys: Collection[str]) -> set[str]:
        """Which of these blobs a row refers to now."""
        ...

    async def ensure_unused(self, *, replace: bool) -> None:
        """Check that a restore takes nothing from anybody.

        Args:
            replace: What is there may go, unless a worker is at it.

        Raises:
            RestoreRefused: there is something, or a worker.
        """
        ...

    async def restore(self, manifest: Manifest, source: Path) -> int:
        """Put a dump in the place of what is there; nobody holds its jobs any more.

        Returns:
            How many jobs went back to the queue, which were under way at the recovery point.

        Raises:
            StoreUnavailable: it did not work, and the database is empty.
        """
        ...


class BackupFolder(Protocol):
    """Where a backup is."""

    @property
    def blobs(self) -> StreamedBlobs:
        """Its blobs."""
        ...

    def manifest(self) -> Manifest | None:
        """The manifest; None where no backup was completed.

        Raises:
            BackupUnusable: it is torn, or of a newer version.
        """
        ...

    def place(self, name: str) -> Path:
        """Path of a file in the folder."""
        ...

    def digest(self, name: str) -> str:
        """SHA-256 of a file in the folder.

        Raises:
            BackupUnusable: the file is not there.
        """
        ...

    def size(self, key: str) -> int | None:
        """Bytes of a blob; None when it is not there."""
        ...

    def opened(self) -> AbstractContextManager[str]:
        """Hold the folder for one backup, and make it when it is missing.

        Yields:
            The name of the file for the dump, which is there and empty.

        Raises:
            FolderRefused: the folder holds something that is no backup of ours.
            BackupUnusable: another backup into it is under way.
        """
        ...

    @property
    def incoming(self) -> str:
        """Where blobs go until they are whole, while the folder is opened."""
        ...

    def expect(self, keys: Collection[str]) -> list[str]:
        """Note which of these blobs the backup has to write, and return them.

        Raises:
            FolderRefused: somebody else's file has the name of one.
        """
        ...

    def complete(self, manifest: Manifest) -> None:
        """Make this the backup of the folder, and remove what only earlier ones needed."""
        ...
