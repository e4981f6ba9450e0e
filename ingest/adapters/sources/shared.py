"""Folders that every node of a cluster has under the same path, as those of a file server."""

import os
from collections.abc import Sequence
from pathlib import Path


class SharedFolders:
    """Tells what is in them, and whether they are there."""

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        """Look at nothing yet; ``roots`` are absolute."""
        self._roots = tuple(Path(os.path.normpath(root)) for root in roots)

    def hold(self, path: Path) -> bool:
        """Whether a file is in one, by its path alone; a link in it leads where it leads."""
        return self._root_of(path) is not None

    def are_there(self, path: Path) -> bool:
        """Whether the one that a file is in has anything; a place where nothing is mounted has not.

        True for files that are in none of them.
        """
        root = self._root_of(path)
        try:
            return root is None or any(root.iterdir())
        except OSError:
            return False

    def _root_of(self, path: Path) -> Path | None:
        plain = os.path.normpath(path)
        return next((root for root in self._roots if Path(plain).is_relative_to(root)), None)
