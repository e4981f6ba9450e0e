"""Selects the files of an upload: all named files, and the readable files of folders."""

import glob
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ingest.cli.exit_codes import WrongUsage
from ingest.domain.errors import DocumentRejected, UnsupportedMediaType
from ingest.domain.media_type import EXTENSIONS, read_head, sniff


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to upload."""

    path: Path
    relative: str
    """Path below the folder argument, with slashes; for a file argument, its file name."""
    bytes_len: int
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that was skipped, and the reason."""

    file: str
    reason: str
    detail: str = ""


@dataclass(slots=True)
class Selection:
    """The files to upload, and those that were skipped."""

    files: list[Candidate] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def bytes_len(self) -> int:
        """Total size of the files."""
        return sum(file.bytes_len for file in self.files)


def count_reasons(skipped: Iterable[Skipped]) -> dict[str, int]:
    """Count the skipped files by reason, the most frequent reason first."""
    return dict(Counter(one.reason for one in skipped).most_common())


def select(paths: Sequence[str]) -> Selection:
    """Find all files that the arguments name: files, folders and patterns. Each file is taken once.

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
                    selection.skipped.append(Skipped(str(candidate.path), "named twice"))
                    continue
                seen.add(real)
                selection.files.append(candidate)
    return selection


def _expand(argument: str) -> list[Path]:
    if os.path.lexists(argument):
        return [Path(argument)]
    if glob.has_magic(argument):
        found = sorted(glob.glob(argument, recursive=True))
        if found:
            return [Path(path) for path in found if not os.path.isdir(path) or "**" not in argument]
        raise WrongUsage(f"no file matches {argument!r}; check the pattern")
    raise WrongUsage(f"there is no file or folder {argument!r}")


def _named(path: Path) -> Candidate:
    try:
        state = path.stat()
    except OSError as exc:
        raise WrongUsage(f"{str(path)!r} cannot be read: {exc.strerror}") from exc
    if not stat.S_ISREG(state.st_mode):
        raise WrongUsage(f"{str(path)!r} is not a regular file")
    return Candidate(path, path.name, state.st_size)


def _walk(root: Path, skipped: list[Skipped]) -> Iterator[Candidate]:
    def unreadable(error: OSError) -> None:
        skipped.append(Skipped(str(error.filename), "unreadable folder", error.strerror or ""))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        hidden = [name for name in folders if name.startswith(".")]
        skipped += [Skipped(os.path.join(folder, name), "hidden") for name in sorted(hidden)]
        linked = [n for n in folders if n not in hidden and os.path.islink(os.path.join(folder, n))]
        skipped += [Skipped(os.path.join(folder, name), "linked folder") for name in sorted(linked)]
        folders[:] = sorted(set(folders) - set(hidden) - set(linked))
        for name in sorted(names):
            path = Path(folder, name)
            found = _supported(path)
            if isinstance(found, Candidate):
                yield replace(found, relative=path.relative_to(root).as_posix())
            else:
                skipped.append(found)


def _supported(path: Path) -> Candidate | Skipped:
    """The file, or the reason to skip it."""
    if path.name.startswith("."):
        return Skipped(str(path), "hidden")
    try:
        state = path.stat()
    except OSError as exc:
        return Skipped(str(path), "unreadable", exc.strerror or "")
    if not stat.S_ISREG(state.st_mode):
        return Skipped(str(path), "not a regular file")
    if path.suffix.lower() not in EXTENSIONS and (reason := _unreadable_type(path)):
        return reason
    return Candidate(path, path.name, state.st_size)


def _unreadable_type(path: Path) -> Skipped | None:
    """Read the start of a file with an unknown extension; None when the gateway accepts its type.

    A file that cannot be opened is not skipped, so that the upload reports its error.
    """
    try:
        with path.open("rb") as source:
            sniff(read_head(source), filename=path.name)
    except OSError:
        return None
    except UnsupportedMediaType as exc:
        return Skipped(str(path), "unsupported type", exc.message.removeprefix("the content is "))
    except DocumentRejected as exc:
        return Skipped(str(path), "no document", exc.message)
    return None
