"""Flushes files to disk, so that they survive a power failure."""

import asyncio
import os
from pathlib import Path

from ingest.coalesce import Coalescer


class FolderSync:
    """Flushes files and their parent folders; files of one moment share the flush of a folder."""

    def __init__(self, root: Path) -> None:
        """Flush nothing yet; ``root`` is the topmost folder that is flushed."""
        self._root = root
        self._flush = Coalescer[str, None](self._flush_all)

    async def flush(self, key: str) -> None:
        """Flush a file, named by its path below the root; return when it is durable.

        Raises:
            OSError: it does not exist, or cannot be flushed.
        """
        await self._flush(key)

    async def _flush_all(self, keys: list[str]) -> list[OSError | None]:
        return await asyncio.to_thread(_flush_together, self._root, keys)


def _flush_together(root: Path, keys: list[str]) -> list[OSError | None]:
    """Flush files, then all their parent folders, the lower ones first."""
    paths = [root / key for key in keys]
    ended = [_try_to_flush(path) for path in paths]
    folders = {folder for path in paths for folder in path.parents if folder.is_relative_to(root)}
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        if error := _try_to_flush(folder):
            below = (path.is_relative_to(folder) for path in paths)
            ended = [own or (error if hit else None) for own, hit in zip(ended, below, strict=True)]
    return ended


def _try_to_flush(path: Path) -> OSError | None:
    try:
        flush(path)
    except OSError as exc:
        return exc
    return None


def flush(path: Path) -> None:
    """Flush one file, or the entries of one folder.

    Raises:
        OSError: it does not exist, or cannot be flushed.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
