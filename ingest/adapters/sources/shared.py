"""Folders that every node of a cluster mounts at the same path, e.g. from a file server."""

import os
from collections.abc import Sequence
from pathlib import Path


class SharedFolders:
    """Finds the shared folder of a file, and checks that it is mounted."""

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        """Keep the roots, which are absolute; read nothing yet."""
        self._roots = tuple(Path(os.path.normpath(root)) for root in roots)

    def hold(self, path: Path) -> bool:
        """Whether a path is in a shared folder; links are not resolved."""
        return self._root_of(path) is not None

    def are_there(self, path: Path) -> bool:
        """Whether the shared folder of a file is mounted: a folder without a mount is empty.

        It is true for files outside of shared folders.
        """
        root = self._root_of(path)
        try:
            return root is None or any(root.iterdir())
        except OSError:
            return False

    def _root_of(self, path: Path) -> Path | None:
        plain = os.path.normpath(path)
        return next((root for root in self._roots if Path(plain).is_relative_to(root)), None)
