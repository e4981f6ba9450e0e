"""Reads EPUB books: the chapters of the spine, in order."""

import posixpath
import zipfile
from urllib.parse import unquote

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.text import decode
from ingest.adapters.parsers.local.formats.trees import Element, xml_tree
from ingest.domain.errors import DocumentEncrypted, DocumentUnreadable

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"


def parse_epub(archive: zipfile.ZipFile, draft: Draft) -> None:
    """Read an EPUB book.

    Raises:
        DocumentEncrypted: a chapter is encrypted; encrypted fonts are accepted.
        DocumentUnreadable: the book has no valid list of chapters.
    """
    rootfile = next(xml_tree(archive.read(_CONTAINER)).iter("{*}rootfile"), None)
    package_path = (rootfile is not None and rootfile.get("full-path")) or ""
    if not package_path:
        raise DocumentUnreadable("the book does not say where its contents are")
    chapters = _chapters(xml_tree(archive.read(package_path)), posixpath.dirname(package_path))
    if _encrypted_files(archive) & set(chapters):
        raise DocumentEncrypted("the book is protected")
    for chapter in chapters:
        parse_html(decode(archive.read(chapter), markup=True), draft)


def _chapters(package: Element, folder: str) -> list[str]:
    """Paths of the spine's files."""
    hrefs = {item.get("id"): item.get("href") or "" for item in package.iter("{*}item")}
    found = (hrefs.get(entry.get("idref")) for entry in package.iter("{*}itemref"))
    return [posixpath.normpath(posixpath.join(folder, unquote(href))) for href in found if href]


def _encrypted_files(archive: zipfile.ZipFile) -> set[str]:
    try:
        tree = xml_tree(archive.read(_ENCRYPTION))
    except KeyError:
        return set()
    return {unquote(found.get("URI") or "") for found in tree.iter("{*}CipherReference")}
