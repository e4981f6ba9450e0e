"""Gives the files of an upload their external ids."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ingest.cli.exit_codes import WrongUsage
from ingest.cli.uploads.select_files import Candidate

MAX_SOURCE_PATH_CHARS = 1024
"""The gateway's limit for a source path; of a longer path the end is kept."""


def name_files(files: Sequence[Candidate], *, root: str | None, prefix: str) -> list[Candidate]:
    """Give each file its external id: a prefix, and a path with slashes.

    Args:
        files: The files to upload.
        root: Paths are relative to this folder; None takes the folder argument of each file.
        prefix: Text that is put before each path, unchanged.

    Raises:
        WrongUsage: the root is no folder, a file is outside it, or two files have the same id.
    """
    if root is not None and not os.path.isdir(root):
        raise WrongUsage(f"--root {root!r} is not a folder")
    named = [replace(file, external_id=prefix + _path(file, root)) for file in files]
    _ensure_distinct(named)
    return named


def source_path(path: Path) -> str:
    """The path of a file on this machine, in printable characters."""
    text = os.path.abspath(path)
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown[-MAX_SOURCE_PATH_CHARS:]


def seen_from_here(path: str) -> str:
    """Make a source path relative to the current folder where it is below it."""
    here = source_path(Path()).rstrip("/") + "/"
    return path.removeprefix(here) or path


def _path(file: Candidate, root: str | None) -> str:
    if root is None:
        return file.relative
    for place in (os.path.abspath, os.path.realpath):
        path, folder = Path(place(file.path)), Path(place(root))
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    raise WrongUsage(
        f"{str(file.path)!r} is outside --root {root!r}: name a folder that holds all files"
    )


def _ensure_distinct(files: Iterable[Candidate]) -> None:
    holders: dict[str | None, Path] = {}
    for file in files:
        other = holders.setdefault(file.external_id, file.path)
        if other != file.path:
            raise WrongUsage(
                f"{str(other)!r} and {str(file.path)!r} would both have the external id "
                f"{file.external_id!r}: name a folder that holds both with --root, or upload each "
                "with an --external-id-prefix of its own"
            )
