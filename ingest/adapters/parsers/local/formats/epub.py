"""Reads EPUB books: title and author, then the chapters of the spine, in order."""

import posixpath
import re
import zipfile
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.text import decode
from ingest.adapters.parsers.local.formats.trees import Element, xml_tree
from ingest.adapters.parsers.local.zip_check import ZIP_ERRORS
from ingest.domain.errors import DocumentEmpty, DocumentEncrypted, DocumentUnreadable
from ingest.domain.media_type import HEAD_BYTES
from ingest.domain.parse_warning import WarningCode
from ingest.domain.text_bytes import is_text

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_CHAPTERS = (".xhtml", ".html", ".htm")


def parse_epub(archive: zipfile.ZipFile, draft: Draft) -> None:
    """Read an EPUB book; a chapter that is missing or damaged costs only itself.

    Raises:
        DocumentEncrypted: a chapter is encrypted; encrypted fonts are accepted.
        DocumentUnreadable: the book does not say where its contents are.
        DocumentEmpty: no chapter holds text.
    """
    package_path = _package_path(archive)
    package = xml_tree(archive.read(package_path))
    book = _Book(archive, draft)
    chapters = book.chapters(package, posixpath.dirname(package_path))
    if _encrypted_files(archive) & {chapter.path for chapter in chapters}:
        raise DocumentEncrypted("the book is protected")
    draft.add(_title(package))
    before = draft.length
    for chapter in chapters:
        book.read(chapter)
    if draft.length == before:
        raise DocumentEmpty("there is no text in the chapters of the book")


def _package_path(archive: zipfile.ZipFile) -> str:
    rootfile = next(xml_tree(archive.read(_CONTAINER)).iter("{*}rootfile"), None)
    named = unquote((rootfile is not None and rootfile.get("full-path")) or "").lstrip("/")
    names = archive.namelist()
    if named in names:
        return named
    found = [name for name in names if name.lower().endswith(".opf")]
    if not found:
        raise DocumentUnreadable("the book does not say where its contents are")
    return found[0]


def _title(package: Element) -> str:
    """Title, author and description of the book, one a line."""
    lines = []
    for name in ("title", "creator", "description"):
        found = (" ".join((e.text or "").split()) for e in package.iter(f"{{*}}{name}"))
        text = ", ".join(value for value in found if value)
        lines.append(" ".join(unescape(_TAG.sub(" ", text)).split()) if "<" in text else text)
    return "\n".join(filter(None, lines))


@dataclass(frozen=True, slots=True)
class _Chapter:
    number: int
    path: str
    media_type: str


class _Book:
    """Reads chapters out of the archive of a book."""

    def __init__(self, archive: zipfile.ZipFile, draft: Draft) -> None:
        self._archive = archive
        self._draft = draft
        self._names = {name.casefold(): name for name in archive.namelist()}

    def chapters(self, package: Element, folder: str) -> list[_Chapter]:
        """The files of the spine, or all chapters of the archive when the spine names none."""
        items = {item.get("id"): item for item in package.iter("{*}item")}
        found: dict[str, _Chapter] = {}
        for number, entry in enumerate(package.iter("{*}itemref"), start=1):
            item = items.get(entry.get("idref"))
            href = (item.get("href") if item is not None else None) or ""
            path = self._path(folder, href.partition("#")[0])
            if not path:
                self._lost(number, "is not listed in the book")
                continue
            kind = (item.get("media-type") if item is not None else None) or ""
            found.setdefault(path, _Chapter(number, path, kind.lower()))
        if any(chapter.path.casefold() in self._names for chapter in found.values()):
            return list(found.values())
        loose = sorted(n for n in self._names.values() if n.lower().endswith(_CHAPTERS))
        if loose:
            self._draft.warn(
                WarningCode.REPAIRED,
                "the book does not list its chapters; they were read in the order of their names",
            )
        return [_Chapter(number, name, "") for number, name in enumerate(loose, start=1)]

    def read(self, chapter: _Chapter) -> None:
        """Write a chapter; a warning says why one is not read."""
        name = posixpath.basename(chapter.path)
        is_drawing = chapter.media_type == "image/svg+xml"
        if chapter.media_type.startswith("image/") and not is_drawing:
            self._without_text(chapter.number, name)
            return
        stored = self._names.get(chapter.path.casefold())
        if stored is None:
            self._lost(chapter.number, f"({name}) is missing")
            return
        try:
            data = self._archive.read(stored)
        except ZIP_ERRORS:
            self._lost(chapter.number, f"({name}) is damaged")
            return
        if not data.strip():
            return
        if not is_text(data[:HEAD_BYTES]):
            self._without_text(chapter.number, name)
            return
        markup = decode(data, markup=True, draft=self._draft, place=f"the chapter {name}")
        before = self._draft.length
        parse_html(markup, self._draft, is_page=False)
        if is_drawing and self._draft.length == before:
            self._without_text(chapter.number, name)

    def _path(self, folder: str, href: str) -> str:
        """The name of a file in the archive; some books do not encode their names."""
        if not href:
            return ""
        paths = [posixpath.normpath(posixpath.join(folder, h)) for h in (unquote(href), href)]
        return next((path for path in paths if path.casefold() in self._names), paths[0])

    def _lost(self, number: int, why: str) -> None:
        self._draft.warn(WarningCode.PAGE_NOT_READ, f"chapter {number} of the book {why}")

    def _without_text(self, number: int, name: str) -> None:
        self._draft.warn(
            WarningCode.PAGE_WITHOUT_TEXT,
            f"chapter {number} of the book ({name}) is a picture and holds no text",
        )


def _encrypted_files(archive: zipfile.ZipFile) -> set[str]:
    try:
        tree = xml_tree(archive.read(_ENCRYPTION))
    except KeyError:
        return set()
    return {unquote(found.get("URI") or "") for found in tree.iter("{*}CipherReference")}
