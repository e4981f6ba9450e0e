"""The BackupFolder port: a manifest, one dump, and blobs under their keys."""

import hashlib
from pathlib import Path
from uuid import uuid4

from ingest.adapters.blob_store import ObjectBlobStore, open_blob_store
from ingest.adapters.folder_sync import flush
from ingest.domain.backup import BackupUnusable, Manifest

_MANIFEST = "manifest.json"
_BLOBS = "blobs"


class LocalBackupFolder:
    """A backup in a folder of this machine, readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder; nothing is made yet."""
        self._folder = folder.resolve()

    def make(self) -> None:
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)

    @property
    def blobs(self) -> ObjectBlobStore:
        """Its blobs."""
        return open_blob_store((self._folder / _BLOBS).as_uri())

    def manifest(self) -> Manifest | None:
        """The manifest; None where no backup was completed."""
        try:
            encoded = self.place(_MANIFEST).read_bytes()
        except FileNotFoundError:
            return None
        return Manifest.decode(encoded)

    def place(self, name: str) -> Path:
        """Path of a file in the folder."""
        return self._folder / name

    def digest(self, name: str) -> str:
        """SHA-256 of a file in the folder."""
        try:
            with self.place(name).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError as exc:
            raise BackupUnusable(f"the backup lacks its file {name!r}") from exc

    def size(self, key: str) -> int | None:
        """Bytes of a blob; None when it is not there."""
        try:
            return (self._folder / _BLOBS / key).stat().st_size
        except FileNotFoundError:
            return None

    def complete(self, manifest: Manifest) -> None:
        """Make this the backup of the folder, and remove what does not belong to it."""
        flush(self.place(manifest.dump))
        draft = self.place(f"{_MANIFEST}.{uuid4().hex}")
        draft.write_bytes(manifest.encode())
        flush(draft)
        draft.replace(self.place(_MANIFEST))
        flush(self._folder)
        kept = {self.place(_MANIFEST), self.place(manifest.dump)}
        blobs = self._folder / _BLOBS
        kept |= {blobs / key for key in manifest.blobs}
        ours = (*self._folder.glob("database-*.dump"), *self._folder.glob(f"{_MANIFEST}*"))
        for path in (*ours, *blobs.rglob("*")):
            if path.is_file() and path not in kept:
                path.unlink()
