"""A folder as a source: file names may be any bytes, and a file may change while it is read."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path

from ingest.domain.errors import NotFound
from ingest.domain.source import Broken, SourceChanged, SourceObject, SourceUnavailable

_PAGE = 1000
_PART_BYTES = 1024 * 1024


class FolderSource:
    """All files under a folder, or one file."""

    def __init__(self, path: Path) -> None:
        """Remember which."""
        self._path = path

    async def objects(self) -> AsyncIterator[SourceObject | Broken]:
        """All of them; see ``ports.sources``. Links to folders are not followed."""
        found = _files(self._path)
        while page := await asyncio.to_thread(lambda: list(islice(found, _PAGE))):
            for entry in page:
                yield entry


async def read_file(path: Path, uri: str) -> AsyncIterator[bytes]:
    """The bytes of a file.

    Raises:
        NotFound: it is gone.
        SourceUnavailable: it cannot be read.
        SourceChanged: it was written meanwhile.
    """
    try:
        if not stat.S_ISREG((await asyncio.to_thread(path.stat)).st_mode):
            raise SourceUnavailable(f"{uri!r} is no file")  # a pipe may never begin, or never end
        opened = await asyncio.to_thread(path.open, "rb")
        try:
            before = _version(os.fstat(opened.fileno()))
            while part := await asyncio.to_thread(opened.read, _PART_BYTES):
                yield part
            after = _version(os.fstat(opened.fileno()))
        finally:
            opened.close()
    except FileNotFoundError as exc:
        raise NotFound(f"there is no {uri!r} (any more)") from exc
    except OSError as exc:
        raise SourceUnavailable(f"{uri!r} cannot be read ({type(exc).__name__})") from exc
    if before != after:
        raise SourceChanged(f"{uri!r} was written while it was read")


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
                    continue  # gone since, or a link to nothing
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
