"""Reads ZIP archives: each file by the reader of its type, under a heading of its path."""

import io
import posixpath
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.zip_check import ZIP_ERRORS, check_archive
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentEmpty, DocumentRejected, ParserLimitExceeded
from ingest.domain.media_type import MediaType, detect
from ingest.domain.parse_warning import WarningCode

MAX_FILES = 10_000
MAX_DEPTH = 2
"""An archive in an archive is read; an archive in that one is not."""
_UTF8_FLAG = 0x800
_NO_DOCUMENTS = frozenset({"__MACOSX", ".git", ".svn"})
_NO_DOCUMENT_NAMES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def parse_zip(archive: zipfile.ZipFile, draft: Draft, parse: Callable[..., ParsedDocument]) -> None:
    """Read the files of an archive; one that cannot be read leaves a warning.

    Args:
        archive: The archive, whose sizes are checked.
        draft: Gets the text.
        parse: The parser of one document, ``parse_document``.

    Raises:
        ParserLimitExceeded: the archive has too many files, or expands too far.
        DocumentEmpty: none of its files can be read.
    """
    reader = _ZipReader(draft, parse)
    reader.read(archive, folder="", depth=1)
    if not reader.found:
        first = f"; {reader.refused[0]}" if reader.refused else ""
        raise DocumentEmpty(f"no file of the archive can be read{first}")


@dataclass
class _ZipReader:
    draft: Draft
    parse: Callable[..., ParsedDocument]
    found: int = 0
    seen: int = 0
    expanded: int = 0
    refused: list[str] = field(default_factory=list)

    def read(self, archive: zipfile.ZipFile, *, folder: str, depth: int) -> None:
        """Read the files of an archive, in its order."""
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        self.seen += len(entries)
        if self.seen > MAX_FILES:
            raise ParserLimitExceeded(f"the archive has {self.seen} files, limit {MAX_FILES}")
        for entry in entries:
            path = _path(entry)
            if not _is_hidden(path):
                self._read_entry(archive, entry, path=posixpath.join(folder, path), depth=depth)

    def _read_entry(
        self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, path: str, depth: int
    ) -> None:
        inner = parsed = None
        try:
            data = archive.read(entry)
            if detect(data, filename=path) is MediaType.ZIP:
                inner = self._opened(data, depth=depth)
            else:
                parsed = self.parse(
                    data, filename=path, limits=self.draft.limits, inside=self.draft
                )
        except DocumentRejected as exc:
            self._refuse(path, exc.message)
        except ZIP_ERRORS as exc:
            self._refuse(path, f"it is damaged ({type(exc).__name__})")
        except RecursionError:
            self._refuse(path, "it is nested too deeply")
        # Here the limits of the whole document hold, which are no fault of one file.
        if parsed is not None:
            self._add(path, parsed)
        elif inner is not None:
            with inner:
                self.read(inner, folder=path, depth=depth + 1)

    def _opened(self, data: bytes, *, depth: int) -> zipfile.ZipFile:
        if depth == MAX_DEPTH:
            raise ParserLimitExceeded(f"archives are nested more than {MAX_DEPTH} deep")
        limits = self.draft.limits
        inner = zipfile.ZipFile(io.BytesIO(data))
        self.expanded += check_archive(inner, archive_bytes=len(data), limits=limits)
        if self.expanded > limits.max_archive_bytes:
            raise ParserLimitExceeded(
                f"the archives in it expand to {self.expanded} bytes, "
                f"limit {limits.max_archive_bytes}"
            )
        return inner

    def _add(self, path: str, parsed: ParsedDocument) -> None:
        self.found += 1
        self.draft.add_document(parsed, title=path, level=1, source=path)

    def _refuse(self, path: str, reason: str) -> None:
        self.refused.append(f"{path}: {reason}")
        self.draft.warn(WarningCode.PART_NOT_READ, f"{path} in the archive is not read: {reason}")


def _path(entry: zipfile.ZipInfo) -> str:
    """The path with slashes; many programs write UTF-8 without the flag that says so."""
    name = entry.filename
    if not entry.flag_bits & _UTF8_FLAG:
        try:
            name = name.encode("cp437").decode()
        except (UnicodeEncodeError, UnicodeDecodeError):
            name = entry.filename
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/")


def _is_hidden(path: str) -> bool:
    *folders, name = path.split("/")
    return not _NO_DOCUMENTS.isdisjoint(folders) or name in _NO_DOCUMENT_NAMES
