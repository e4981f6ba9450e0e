"""Media types: which there are, and which one a file has.

The content of a file decides, its name only where content cannot.
"""

import io
import re
import zipfile
from enum import StrEnum
from pathlib import PurePosixPath
from typing import BinaryIO

from ingest.domain.errors import (
    DocumentEmpty,
    DocumentEncrypted,
    DocumentUnreadable,
    UnsupportedMediaType,
)
from ingest.domain.mail_bytes import Mail, sniff_mail
from ingest.domain.text_bytes import as_utf8, is_text


class MediaType(StrEnum):
    """Media types that the local parser reads."""

    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    HTML = "text/html"
    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    EPUB = "application/epub+zip"
    EML = "message/rfc822"
    MBOX = "application/mbox"
    PNG = "image/png"
    JPEG = "image/jpeg"
    TIFF = "image/tiff"
    WEBP = "image/webp"
    GIF = "image/gif"
    BMP = "image/bmp"


PICTURES = frozenset(
    {
        MediaType.PNG,
        MediaType.JPEG,
        MediaType.TIFF,
        MediaType.WEBP,
        MediaType.GIF,
        MediaType.BMP,
    }
)
"""Pictures, whose text is recognized."""

EXTENSIONS: dict[str, MediaType] = {
    ".pdf": MediaType.PDF,
    ".docx": MediaType.DOCX,
    ".pptx": MediaType.PPTX,
    ".xlsx": MediaType.XLSX,
    ".html": MediaType.HTML,
    ".htm": MediaType.HTML,
    ".md": MediaType.MARKDOWN,
    ".markdown": MediaType.MARKDOWN,
    ".txt": MediaType.TEXT,
    ".text": MediaType.TEXT,
    ".epub": MediaType.EPUB,
    ".eml": MediaType.EML,
    ".mbox": MediaType.MBOX,
    ".png": MediaType.PNG,
    ".jpg": MediaType.JPEG,
    ".jpeg": MediaType.JPEG,
    ".tif": MediaType.TIFF,
    ".tiff": MediaType.TIFF,
    ".webp": MediaType.WEBP,
    ".gif": MediaType.GIF,
    ".bmp": MediaType.BMP,
}

HEAD_BYTES = 64 * 1024
"""Bytes that ``sniff`` needs, or the whole file: the header of a mail may be long."""

_ARCHIVE_HEAD_BYTES = 1024 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LEGACY_OFFICE = "the content is a legacy Office file (OLE), which is not read"
_ENCRYPTED_OOXML = "EncryptedPackage".encode("utf-16-le")
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"RIFF", "a RIFF audio or video file"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"ID3", "an MP3 recording"),
    (b"OggS", "an Ogg recording"),
)
_PICTURE_MAGIC: tuple[tuple[re.Pattern[bytes], MediaType], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), MediaType.PNG),
    (re.compile(rb"\xff\xd8\xff"), MediaType.JPEG),
    (re.compile(rb"II[*+]\x00|MM\x00[*+]"), MediaType.TIFF),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), MediaType.WEBP),
    (re.compile(rb"GIF8[79]a"), MediaType.GIF),
    (
        re.compile(rb"BM.{4}\x00{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00{3}", re.DOTALL),
        MediaType.BMP,
    ),
)
"""First bytes of pictures, which no text has."""
_ZIPPED = {MediaType.DOCX, MediaType.PPTX, MediaType.XLSX, MediaType.EPUB}
_ZIP = b"PK\x03\x04"
_ZIP_FOLDERS = {b"word": MediaType.DOCX, b"ppt": MediaType.PPTX, b"xl": MediaType.XLSX}
_EPUB_MARK = b"mimetypeapplication/epub+zip"
_ZIP_NAME = re.compile(rb"PK\x03\x04.{26}(word|ppt|xl)[/\\]", re.DOTALL)
_BOOK_NAME = re.compile(rb"PK\x03\x04.{26}META-INF[/\\]container\.xml", re.DOTALL)
_PDF = re.compile(rb"%PDF-\d")
_PDF_OBJECT = re.compile(rb"\d+\s+\d+\s+obj\b|startxref|%%EOF|\bxref\b")
_POSTSCRIPT = re.compile(rb"%!PS(?:-Adobe-\d|[ \t]*[\r\n]+\s*[%/\d])")
_BEFORE_HTML = rb"(?>(?:<\?xml[^>]*>|<!--.*?-->|\s+)*)"
_HTML = re.compile(
    _BEFORE_HTML + rb"<(?:!doctype\s+html|html|head|body)\b", re.DOTALL | re.IGNORECASE
)
_HTML_FRAGMENT = re.compile(
    _BEFORE_HTML
    + rb"<(?:title|meta|style|script|link|div|p|h[1-6]|table|ul|ol|dl|article|section|main|header"
    rb"|nav|blockquote|pre|span|center|font|figure|form|details)(?:\s[^<>]*)?/?>",
    re.DOTALL | re.IGNORECASE,
)
_CLOSED_ELEMENT = re.compile(
    rb"</(?:p|h[1-6]|div|table|ul|ol|dl|article|section|main|title|pre|blockquote|body)\s*>",
    re.IGNORECASE,
)
_MAIL = {MediaType.EML, MediaType.MBOX}


def guess(filename: str) -> MediaType:
    """Guess the media type from a filename; plain text when the extension is not known."""
    return _named_type(filename) or MediaType.TEXT


def read_head(source: BinaryIO) -> bytes:
    """Read the first bytes of a file for ``sniff``; of an archive more, to see its entries."""
    head = source.read(HEAD_BYTES)
    return head + source.read(_ARCHIVE_HEAD_BYTES) if head.startswith(_ZIP) else head


def sniff(head: bytes, *, filename: str) -> MediaType:
    """Detect the media type from the first bytes of a file, before it is accepted.

    The first bytes of a ZIP archive often do not show the kind of Office file. The extension
    decides here, and ``detect`` checks it later.

    Args:
        head: The first HEAD_BYTES of the file or more, or all of it.
        filename: The filename; only its extension is used.

    Raises:
        DocumentEmpty: there are no bytes.
        UnsupportedMediaType: no parser reads the content; the message names its type.
        DocumentUnreadable: plain text under the name of a binary format.
    """
    if not head:
        raise DocumentEmpty("the file has no bytes")
    named = _named_type(filename)
    if _is_pdf(head, named):
        return MediaType.PDF
    for magic, picture in _PICTURE_MAGIC:
        if magic.match(head):
            return picture
    if head.startswith(_ZIP):
        return _sniff_zip(head, named)
    if head.startswith(_OLE):
        if named in _ZIPPED:
            return named
        raise UnsupportedMediaType(_LEGACY_OFFICE)
    return _sniff_text(head[:HEAD_BYTES], named)


def detect(data: bytes, *, filename: str) -> MediaType:
    """Detect the media type from the whole content of a file.

    Raises:
        DocumentEmpty: there are no bytes.
        UnsupportedMediaType: no parser reads the content; the message names its type.
        DocumentUnreadable: a broken archive, or plain text under the name of a binary format.
        DocumentEncrypted: an Office file protected by a password.
    """
    if data.startswith(_OLE):
        if _ENCRYPTED_OOXML in data:
            raise DocumentEncrypted("the Office file is protected by a password")
        raise UnsupportedMediaType(_LEGACY_OFFICE)
    if not data.startswith(_ZIP):
        return sniff(data[:HEAD_BYTES], filename=filename)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name.replace("\\", "/") for name in archive.namelist()]
    except (zipfile.BadZipFile, ValueError, OverflowError, UnicodeDecodeError) as exc:
        raise DocumentUnreadable("the ZIP archive is truncated or corrupt") from exc
    if "META-INF/container.xml" in names:
        return MediaType.EPUB
    for folder, media_type in _ZIP_FOLDERS.items():
        if any(name.startswith(folder.decode() + "/") for name in names):
            return media_type
    raise UnsupportedMediaType("the content is a ZIP archive without an Office document or a book")


def _named_type(filename: str) -> MediaType | None:
    return EXTENSIONS.get(PurePosixPath(filename).suffix.lower())


def _sniff_zip(head: bytes, named: MediaType | None) -> MediaType:
    if head[30:].startswith(_EPUB_MARK):
        return MediaType.EPUB
    if _BOOK_NAME.search(head):
        return MediaType.EPUB
    seen = _ZIP_NAME.search(head)
    if seen:
        return _ZIP_FOLDERS[seen[1]]
    if named in _ZIPPED:
        return named
    raise UnsupportedMediaType("the content is a ZIP archive")


def _is_pdf(head: bytes, named: MediaType | None) -> bool:
    """Whether it is a PDF, not a text about PDF; with the extension, rubbish may come first."""
    if named is MediaType.PDF and _PDF.search(head):
        return True
    if not _PDF.match(head.lstrip(b"\xef\xbb\xbf \t\r\n")):
        return False
    return _PDF_OBJECT.search(head) is not None or not is_text(head)


def _sniff_text(head: bytes, named: MediaType | None) -> MediaType:
    for magic, kind in _FOREIGN:
        if head.startswith(magic) and (not magic.isalnum() or not is_text(head)):
            raise UnsupportedMediaType(f"the content is {kind}")
    if _POSTSCRIPT.match(head):
        raise UnsupportedMediaType("the content is a PostScript document")
    if not is_text(head):
        raise UnsupportedMediaType("the content is binary, of no known type")
    text = as_utf8(head)
    if _HTML.match(text):
        return MediaType.HTML
    if mail := sniff_mail(text, is_named=named in _MAIL):
        return MediaType.MBOX if mail is Mail.BOX and named is not MediaType.EML else MediaType.EML
    if named is MediaType.PDF or named in _ZIPPED | PICTURES:
        extension = next(ext for ext, media_type in EXTENSIONS.items() if media_type is named)
        raise DocumentUnreadable(f"the name ends in {extension} but the content is plain text")
    if named in {MediaType.HTML, MediaType.MARKDOWN}:
        return named
    if named is None and _HTML_FRAGMENT.match(text) and _CLOSED_ELEMENT.search(text):
        return MediaType.HTML
    return MediaType.TEXT
