"""Reads folders: file names may be any bytes, and a file may change while it is read."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from ingest.domain.errors import NotFound, SourceChanged, SourceUnavailable
from ingest.domain.source_object import Broken, SourceObject

_PAGE = 1000
_PART_BYTES = 1024 * 1024


class FolderSource:
    """The files under a folder, or one file."""

    def __init__(self, path: Path) -> None:
        """Keep the path."""
        self._path = path

    async def objects(self) -> AsyncIterator[SourceObject | Broken]:
        """List all files; see ``ports.sources``. Links to folders are not followed."""
        found = _files(self._path)
        while page := await asyncio.to_thread(lambda: list(islice(found, _PAGE))):
            for entry in page:
                yield entry


async def read_file(
    path: Path, uri: str, *, folder_is_there: Callable[[], bool] = lambda: True
) -> AsyncIterator[bytes]:
    """Read the bytes of a file.

    Raises:
        NotFound: the file does not exist any more.
        SourceUnavailable: the file cannot be read, or its folder is missing.
        SourceChanged: the file changed while it was read.
    """
    try:
        opened, before, part = await asyncio.to_thread(_begin, path, uri)
        try:
            while part:
                yield part
                if len(part) < _PART_BYTES:
                    break
                part = await asyncio.to_thread(opened.read, _PART_BYTES)
            after = _version(os.fstat(opened.fileno()))
        finally:
            opened.close()
    except FileNotFoundError as exc:
        if not await asyncio.to_thread(folder_is_there):
            raise SourceUnavailable(f"the folder of {uri!r} is missing or empty here") from exc
        raise NotFound(f"there is no {uri!r} (any more)") from exc
    except OSError as exc:
        raise SourceUnavailable(f"{uri!r} cannot be read ({type(exc).__name__})") from exc
    if before != after:
        raise SourceChanged(f"{uri!r} was written while it was read")


def _begin(path: Path, uri: str) -> tuple[BinaryIO, str, bytes]:
    """Open a file and read its first part in one call of a thread; most files have only one part.

    Returns:
        The file, its version before it was read, and the part.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise SourceUnavailable(
            f"{uri!r} is not a regular file"
        )  # reading a pipe may block forever
    opened = path.open("rb")
    try:
        return opened, _version(os.fstat(opened.fileno())), opened.read(_PART_BYTES)
    except BaseException:
        opened.close()
        raise


def _files(path: Path) -> Iterator[SourceObject]:
    if path.is_file():
        yield _object(path, path.stat())
        return
    try:
        for folder, names, files in os.walk(path, onerror=_refuse):
            names.sort()
            for name in sorted(files):
                found = Path(folder, name)
                try:
                    status = found.stat()
                except FileNotFoundError:
                    continue  # removed since the listing, or a broken link
                if stat.S_ISREG(status.st_mode):
                    yield _object(found, status)
    except OSError as exc:
        raise SourceUnavailable(f"{str(path)!r} cannot be listed ({type(exc).__name__})") from exc


def _refuse(error: OSError) -> None:
    raise error


def _object(path: Path, status: os.stat_result) -> SourceObject:
    filename = os.fsencode(path.name).decode("utf-8", "replace")
    return SourceObject(path.as_uri(), filename, status.st_size, _version(status))


def _version(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
