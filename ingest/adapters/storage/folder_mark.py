"""Marks a folder as ours with a file that is written before all others."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO

from ingest.adapters.storage.fsync import flush
from ingest.domain.errors import FolderRefused

_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}
"""Errors of file systems without locks; there, other processes are not excluded."""


class Owner(Enum):
    """The owner of a folder."""

    NOBODY = auto()
    """The folder does not exist or is empty, or its mark is incomplete."""
    OURS = auto()
    UNKNOWN = auto()
    """The folder holds files and no mark."""


@dataclass(frozen=True, slots=True)
class FolderMark:
    """The mark of one kind of folder."""

    name: str
    header: bytes
    """First bytes of the file."""
    mode: int = 0o600
    """Mode of the file."""

    def owner(self, folder: Path) -> Owner:
        """Find the owner of a folder; change nothing.

        Raises:
            FolderRefused: it is a file, or a foreign file has the mark's name.
        """
        try:
            names = {entry.name for entry in folder.iterdir()}
        except FileNotFoundError:
            return Owner.NOBODY
        except NotADirectoryError as exc:
            raise FolderRefused(f"{str(folder)!r} is a file: name a folder") from exc
        if not names:
            return Owner.NOBODY
        if self.name not in names:
            return Owner.UNKNOWN
        found = self._begins(folder / self.name)
        if found == self.header:
            return Owner.OURS
        if names == {self.name} and self._is_cut_off(found):
            return Owner.NOBODY
        raise self._foreign(folder)

    @contextmanager
    def held(self, folder: Path, *, wait: bool) -> Iterator[BinaryIO]:
        """Mark an existing folder, and lock its mark.

        Args:
            folder: The folder, which may be marked already.
            wait: Whether to wait for another process that holds it.

        Raises:
            BlockingIOError: another process holds it.
            FolderRefused: a foreign file has the mark's name.
        """
        path = folder / self.name
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, self.mode)
        with open(descriptor, "r+b") as file:
            _lock(file, wait=wait)
            # Read only under the lock: another process may be writing the mark just now.
            found = self._begins(path)
            if found != self.header:
                if not self._is_cut_off(found):
                    raise self._foreign(folder)
                file.write(self.header)
                file.truncate()
                file.flush()
                # First the file, then its folder: after a power failure the mark is either whole or
                # a prefix of the header, which counts as not written.
                os.fsync(file.fileno())
                flush(folder)
            yield file

    def _begins(self, path: Path) -> bytes:
        if not path.is_file():
            return b"?"
        with path.open("rb") as file:
            return file.read(len(self.header))

    def _is_cut_off(self, found: bytes) -> bool:
        return len(found) < len(self.header) and self.header.startswith(found)

    def _foreign(self, folder: Path) -> FolderRefused:
        return FolderRefused(
            f"{str(folder / self.name)!r} was not written by ingest, or is damaged: "
            "name an empty folder, or one that does not exist yet"
        )


def _lock(file: BinaryIO, *, wait: bool) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as exc:
        if exc.errno not in _NO_LOCKS:
            raise
