"""Which files an upload takes: named ones always, those in folders by their extension."""

import glob
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ingest.cli.failures import WrongUsage
from ingest.domain.document import EXTENSIONS


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to upload."""

    path: Path
    relative: str
    """Path below the folder that was named, with slashes; the name of a file named itself."""
    bytes_len: int


@dataclass(slots=True)
class Selection:
    """The files to upload, and how many were left out, by reason."""

    files: list[Candidate] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def bytes_len(self) -> int:
        """Bytes of all files together."""
        return sum(file.bytes_len for file in self.files)


def select(paths: Sequence[str]) -> Selection:
    """Find the files behind files, folders and patterns, each once.

    Raises:
        WrongUsage: a path does not exist, or a pattern matches nothing.
    """
    selection = Selection()
    seen: set[Path] = set()
    for argument in paths:
        for path in _expand(argument):
            found = _walk(path, selection.skipped) if path.is_dir() else [_named(path)]
            for candidate in found:
                real = candidate.path.resolve()
                if real in seen:
                    selection.skipped["named twice"] += 1
                    continue
                seen.add(real)
                selection.files.append(candidate)
    return selection


def ensure_distinct(files: Sequence[Candidate]) -> None:
    """Check that relative paths can serve as external ids.

    Raises:
        WrongUsage: two files have the same one.
    """
    holders: dict[str, Path] = {}
    for file in files:
        other = holders.setdefault(file.relative, file.path)
        if other != file.path:
            raise WrongUsage(
                f"{str(other)!r} and {str(file.path)!r} would both have the external id "
                f"{file.relative!r}: upload the folder above both, or upload them separately"
            )


def _expand(argument: str) -> list[Path]:
    if os.path.lexists(argument):
        return [Path(argument)]
    if glob.has_magic(argument):
        found = sorted(glob.glob(argument, recursive=True))
        if found:
            return [Path(path) for path in found if not os.path.isdir(path) or "**" not in argument]
        raise WrongUsage(f"no file matches {argument!r}")
    raise WrongUsage(f"there is no file or folder {argument!r}")


def _named(path: Path) -> Candidate:
    try:
        state = path.stat()
    except OSError as exc:
        raise WrongUsage(f"{str(path)!r} cannot be read: {exc.strerror}") from exc
    if not stat.S_ISREG(state.st_mode):
        raise WrongUsage(f"{str(path)!r} is not a regular file")
    return Candidate(path, path.name, state.st_size)


def _walk(root: Path, skipped: Counter[str]) -> Iterator[Candidate]:
    def unreadable(error: OSError) -> None:
        skipped["unreadable folder"] += 1

    for folder, folders, names in os.walk(root, onerror=unreadable):
        hidden = [name for name in folders if name.startswith(".")]
        skipped["hidden"] += len(hidden)
        linked = [n for n in folders if n not in hidden and os.path.islink(os.path.join(folder, n))]
        skipped["linked folder"] += len(linked)
        folders[:] = sorted(set(folders) - set(hidden) - set(linked))
        for name in sorted(names):
            path = Path(folder, name)
            found = _supported(path)
            if isinstance(found, Candidate):
                yield replace(found, relative=path.relative_to(root).as_posix())
            else:
                skipped[found] += 1


def _supported(path: Path) -> Candidate | str:
    """The file, or why it is left out."""
    if path.name.startswith("."):
        return "hidden"
    if path.suffix.lower() not in EXTENSIONS:
        return "unsupported extension"
    try:
        state = path.stat()
    except OSError:
        return "unreadable"
    if not stat.S_ISREG(state.st_mode):
        return "not a regular file"
    return Candidate(path, path.name, state.st_size)
