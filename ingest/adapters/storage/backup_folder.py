"""Implements BackupFolder: a manifest, one dump, and blobs under their keys.

Foreign files are neither removed nor overwritten. Our files are named by the manifest, or were
noted in the journal before they were written.
"""

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ingest.adapters.storage.backup_journal import MARK, BackupJournal, new_attempt
from ingest.adapters.storage.blob_store import ObjectBlobStore, open_blob_store
from ingest.adapters.storage.folder_mark import Owner
from ingest.adapters.storage.fsync import flush
from ingest.domain.backup import Manifest
from ingest.domain.errors import BackupUnusable, FolderRefused
from ingest.domain.identity import blob_digest

_MANIFEST = "manifest.json"
_BLOBS = "blobs"
_INCOMING = "incoming"
_DUMP = re.compile(r"database-([0-9a-f]{12})\.dump")
_PART = re.compile(r"[0-9a-f-]{36}(#\d+)?")
"""Temporary names of blobs that are being copied, by us or by the library."""


class LocalBackupFolder:
    """A backup in a local folder; only its owner can read the files."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder; create nothing yet."""
        self._folder = folder.resolve()
        self._attempt = ""
        self._journal: BackupJournal | None = None

    def check(self) -> None:
        """Check that the folder may hold a backup; change nothing.

        Raises:
            FolderRefused: the folder holds files that are not of our backup.
        """
        owner = MARK.owner(self._folder)
        if owner is Owner.NOBODY:
            return
        manifest, reason = self.place(_MANIFEST), ""
        try:
            found = self.manifest()
        except (BackupUnusable, IsADirectoryError) as exc:
            found, reason = None, str(exc)
        if owner is Owner.UNKNOWN and found is None:
            raise FolderRefused(
                f"{str(self._folder)!r} is neither empty nor a backup that this version can "
                "update: name an empty folder, one that does not exist yet, or one with an "
                "earlier backup"
            )
        if reason:
            raise FolderRefused(
                f"{str(manifest)!r} cannot be replaced, it may not be ours ({reason}): move it "
                "away, or name an empty folder"
            )

    @contextmanager
    def opened(self) -> Iterator[str]:
        """Hold the folder for one backup, and make it when it is missing.

        Yields:
            The name of the file for the dump, which is there and empty.

        Raises:
            FolderRefused: the folder holds something that is no backup of ours.
            BackupUnusable: another backup into it is under way.
        """
        self.check()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with ExitStack() as stack:
            try:
                mark = stack.enter_context(MARK.held(self._folder, wait=False))
            except BlockingIOError as exc:
                raise BackupUnusable(
                    f"another backup into {str(self._folder)!r} is under way: wait for its end"
                ) from exc
            self._journal, self._attempt = BackupJournal(mark), new_attempt()
            stack.callback(self._close)
            self._journal.note(self._attempt)
            self._make_blobs()
            name = f"database-{self._attempt}.dump"
            os.close(os.open(self.place(name), os.O_CREAT | os.O_EXCL, 0o600))
            yield name

    def _close(self) -> None:
        self._journal = None

    def _make_blobs(self) -> None:
        folder = self._folder / _BLOBS
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except FileExistsError as exc:
            raise FolderRefused(
                f"{str(folder)!r} is a file that ingest did not write: move it away, or name "
                "another folder"
            ) from exc

    @property
    def blobs(self) -> ObjectBlobStore:
        """The blobs of the backup."""
        return open_blob_store((self._folder / _BLOBS).as_uri())

    @property
    def incoming(self) -> str:
        """Where blobs go until they are whole, while the folder is opened."""
        return f"{_INCOMING}/{self._attempt}"

    def manifest(self) -> Manifest | None:
        """The manifest; None where no backup was completed.

        Raises:
            BackupUnusable: it is torn, or of a newer version.
        """
        try:
            encoded = self.place(_MANIFEST).read_bytes()
        except FileNotFoundError:
            return None
        return Manifest.decode(encoded)

    def place(self, name: str) -> Path:
        """Path of a file in the folder."""
        return self._folder / name

    def digest(self, name: str) -> str:
        """SHA-256 of a file in the folder.

        Raises:
            BackupUnusable: the file is not there.
        """
        try:
            return _digest(self.place(name))
        except FileNotFoundError as exc:
            raise BackupUnusable(f"the backup lacks its file {name!r}") from exc

    def size(self, key: str) -> int | None:
        """Size of a blob in bytes; None when it does not exist."""
        try:
            return (self._folder / _BLOBS / key).stat().st_size
        except FileNotFoundError:
            return None

    def expect(self, keys: Collection[str]) -> list[str]:
        """Note which of these blobs the backup has to write, and return them.

        Raises:
            FolderRefused: somebody else's file has the name of one.
        """
        manifest, journal = self.manifest(), self._held()
        known = manifest.blobs if manifest is not None else {}
        lacking = []
        for key in keys:
            size = self.size(key)
            if size is None or (key in known and known[key] != size):
                lacking.append(key)
            elif key not in known and key not in journal.blobs:
                self._ensure_fits(key)
        journal.note(self._attempt, lacking)
        return lacking

    def _ensure_fits(self, key: str) -> None:
        """Check a file that exists already under the name of a blob."""
        path = self._folder / _BLOBS / key
        if not path.is_file() or _digest(path) != blob_digest(key):
            raise FolderRefused(
                f"{str(path)!r} has the name of a file of the backup, and other content: move it "
                "away, and take the backup again"
            )

    def complete(self, manifest: Manifest) -> None:
        """Write the manifest, and then remove files that only earlier backups needed."""
        journal, before = self._held(), self.manifest()
        if before is not None and (dump := _DUMP.fullmatch(before.dump)):
            journal.note(dump[1], before.blobs.keys() - manifest.blobs.keys())
        # The order makes a power failure safe at each line: the dump and the draft are durable
        # before the rename, which replaces the old backup at once; files are removed after it.
        flush(self.place(manifest.dump))
        draft = self.place(f"{_MANIFEST}.{self._attempt}")
        with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(manifest.encode())
        flush(draft)
        draft.replace(self.place(_MANIFEST))
        flush(self._folder)
        self._remove_noted(journal, manifest)
        journal.forget()

    def _remove_noted(self, journal: BackupJournal, manifest: Manifest) -> None:
        blobs = self._folder / _BLOBS
        for attempt in journal.attempts:
            for name in (f"database-{attempt}.dump", f"{_MANIFEST}.{attempt}"):
                if name != manifest.dump:
                    self.place(name).unlink(missing_ok=True)
            parts = blobs / _INCOMING / attempt
            for part in parts.iterdir() if parts.is_dir() else ():
                if _PART.fullmatch(part.name):
                    part.unlink()
            for folder in (parts, parts.parent):
                with suppress(OSError):  # the folder does not exist, or is not empty
                    folder.rmdir()
        for key in journal.blobs - manifest.blobs.keys():
            if (blobs / key).is_file():
                (blobs / key).unlink()

    def _held(self) -> BackupJournal:
        if self._journal is None:
            raise RuntimeError("the folder is not opened for a backup")
        return self._journal


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
