"""Media types: which there are, and which one a file has.

The content of a file decides, its name only where content cannot.
"""

import io
import re
import zipfile
import zlib
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
from ingest.domain.ole_directory import root_names
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
    CSV = "text/csv"
    TSV = "text/tab-separated-values"
    JSON = "application/json"
    JSONL = "application/x-ndjson"
    XML = "application/xml"
    IPYNB = "application/x-ipynb+json"
    RTF = "application/rtf"
    ODT = "application/vnd.oasis.opendocument.text"
    ODS = "application/vnd.oasis.opendocument.spreadsheet"
    ODP = "application/vnd.oasis.opendocument.presentation"
    XLS = "application/vnd.ms-excel"
    MSG = "application/vnd.ms-outlook"
    RST = "text/x-rst"
    ASCIIDOC = "text/asciidoc"
    ORG = "text/org"
    LATEX = "application/x-latex"
    VTT = "text/vtt"
    SRT = "application/x-subrip"
    ZIP = "application/zip"


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
    **dict.fromkeys((".docm", ".dotx", ".dotm"), MediaType.DOCX),
    **dict.fromkeys((".pptm", ".ppsx", ".ppsm", ".potx", ".potm"), MediaType.PPTX),
    **dict.fromkeys((".xlsm", ".xltx", ".xltm"), MediaType.XLSX),
    **dict.fromkeys((".xhtml", ".xht"), MediaType.HTML),
    **dict.fromkeys((".mht", ".mhtml"), MediaType.EML),
    **dict.fromkeys((".log", ".yaml", ".yml", ".ics"), MediaType.TEXT),
    ".csv": MediaType.CSV,
    **dict.fromkeys((".tsv", ".tab"), MediaType.TSV),
    **dict.fromkeys((".json", ".geojson"), MediaType.JSON),
    **dict.fromkeys((".jsonl", ".ndjson"), MediaType.JSONL),
    **dict.fromkeys((".xml", ".svg", ".dbk", ".rss", ".atom"), MediaType.XML),
    **dict.fromkeys((".fodt", ".fods", ".fodp"), MediaType.XML),
    ".ipynb": MediaType.IPYNB,
    ".rtf": MediaType.RTF,
    **dict.fromkeys((".odt", ".ott"), MediaType.ODT),
    **dict.fromkeys((".ods", ".ots"), MediaType.ODS),
    **dict.fromkeys((".odp", ".otp", ".odg"), MediaType.ODP),
    ".xls": MediaType.XLS,
    ".msg": MediaType.MSG,
    ".rst": MediaType.RST,
    **dict.fromkeys((".adoc", ".asciidoc"), MediaType.ASCIIDOC),
    ".org": MediaType.ORG,
    **dict.fromkeys((".tex", ".latex"), MediaType.LATEX),
    ".vtt": MediaType.VTT,
    ".srt": MediaType.SRT,
    ".zip": MediaType.ZIP,
}
"""A new format's own rows; the first extension of a format is the one that messages name."""

HEAD_BYTES = 64 * 1024
"""Bytes that ``sniff`` needs, or the whole file: the header of a mail may be long."""

_ARCHIVE_HEAD_BYTES = 1024 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LEGACY_OFFICE = (
    "the content is a legacy Office file (OLE), which is not read; save it as .docx or .pptx"
)
_ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, UnicodeDecodeError),
    *(NotImplementedError, RuntimeError),
)
_ENCRYPTED_OOXML = "EncryptedPackage".encode("utf-16-le")
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"RIFF", "a RIFF audio or video file"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
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
    (re.compile(rb"GIF8[79]a(?![ ,.:;)\n-][ -~\n])"), MediaType.GIF),
    (
        re.compile(rb"BM.{4}\x00{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00{3}", re.DOTALL),
        MediaType.BMP,
    ),
)
"""First bytes of pictures, which no text has."""
_TEXTS = {
    *(MediaType.HTML, MediaType.MARKDOWN, MediaType.CSV, MediaType.TSV, MediaType.XML),
    *(MediaType.JSON, MediaType.JSONL, MediaType.IPYNB, MediaType.RST, MediaType.ASCIIDOC),
    *(MediaType.ORG, MediaType.LATEX, MediaType.VTT, MediaType.SRT),
}
"""Formats of text that only their extension tells apart from plain text."""
_TEXT_MAGIC = ((b"{\\rtf", MediaType.RTF), (b"WEBVTT", MediaType.VTT), (b"<?xml ", MediaType.XML))
_OPEN_DOCUMENTS = {
    b"application/vnd.oasis.opendocument.text": MediaType.ODT,
    b"application/vnd.oasis.opendocument.spreadsheet": MediaType.ODS,
    b"application/vnd.oasis.opendocument.presentation": MediaType.ODP,
    b"application/vnd.oasis.opendocument.graphics": MediaType.ODP,
}
"""The first entry of the archive says the type; that of a template has a suffix."""
_OLE_STREAMS = {
    "__properties_version1.0": MediaType.MSG,
    "Workbook": MediaType.XLS,
    "Book": MediaType.XLS,
}
"""Streams that tell what an OLE file is."""
_ZIPPED = {
    *(MediaType.DOCX, MediaType.PPTX, MediaType.XLSX, MediaType.EPUB),
    *(MediaType.ODT, MediaType.ODS, MediaType.ODP),
}
_BINARY = _ZIPPED | PICTURES | {MediaType.PDF, MediaType.MSG, MediaType.ZIP}
_ZIP = b"PK\x03\x04"
_ZIP_FOLDERS = {b"word": MediaType.DOCX, b"ppt": MediaType.PPTX, b"xl": MediaType.XLSX}
_OFFICE_PARTS = {
    *("[Content_Types].xml", "word/document.xml", "ppt/presentation.xml", "xl/workbook.xml")
}
"""Files that an Office document has, and no other archive."""
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
        return _sniff_zip(head, filename)
    if head.startswith(_OLE):
        if named in _ZIPPED | {MediaType.XLS, MediaType.MSG}:
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
        return _detect_ole(data)
    if not data.startswith(_ZIP):
        return sniff(data[:HEAD_BYTES], filename=filename)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name.replace("\\", "/") for name in archive.namelist()]
            kind = archive.read("mimetype") if "mimetype" in names else b""
    except _ZIP_ERRORS as exc:
        raise DocumentUnreadable("the ZIP archive is truncated or corrupt") from exc
    if "META-INF/container.xml" in names:
        return MediaType.EPUB
    if _is_plain_archive(filename) and not _OFFICE_PARTS & set(names):
        return _open_document(kind.strip(), filename) or MediaType.ZIP
    for folder, media_type in _ZIP_FOLDERS.items():
        if any(name.startswith(folder.decode() + "/") for name in names):
            return media_type
    if "content.xml" in names and (opened := _open_document(kind.strip(), filename)):
        return opened
    if _is_plain_archive(filename):
        return MediaType.ZIP
    raise UnsupportedMediaType("the content is a ZIP archive without an Office document or a book")


def _named_type(filename: str) -> MediaType | None:
    return EXTENSIONS.get(PurePosixPath(filename).suffix.lower())


def _detect_ole(data: bytes) -> MediaType:
    names = root_names(data)
    for name, media_type in _OLE_STREAMS.items():
        if name in names:
            return media_type
    if "EncryptedPackage" in names or (not names and _ENCRYPTED_OOXML in data):
        raise DocumentEncrypted("the Office file is protected by a password")
    raise UnsupportedMediaType(_LEGACY_OFFICE)


def _open_document(kind: bytes, filename: str) -> MediaType | None:
    """The type of an OpenDocument file; its name decides when it does not say its type."""
    named = _named_type(filename)
    own = named if named in _OPEN_DOCUMENTS.values() else None
    return _OPEN_DOCUMENTS.get(kind.removesuffix(b"-template"), own)


def _is_plain_archive(filename: str) -> bool:
    """Whether an archive may be a folder of files; programs and other formats are archives, too."""
    suffix = PurePosixPath(filename).suffix
    return not suffix or _named_type(filename) is MediaType.ZIP


def _sniff_zip(head: bytes, filename: str) -> MediaType:
    named = _named_type(filename)
    if head[30:].startswith(_EPUB_MARK):
        return MediaType.EPUB
    if _BOOK_NAME.search(head):
        return MediaType.EPUB
    if head[30:].startswith(b"mimetype"):
        for kind, media_type in _OPEN_DOCUMENTS.items():
            if head[38:].startswith(kind):
                return media_type
    seen = _ZIP_NAME.search(head)
    if seen:
        return _ZIP_FOLDERS[seen[1]]
    if named in _ZIPPED:
        return named
    if _is_plain_archive(filename):
        return MediaType.ZIP
    raise UnsupportedMediaType("the content is a ZIP archive")


def _is_pdf(head: bytes, named: MediaType | None) -> bool:
    """Whether it is a PDF, not a text about PDF; with the extension, rubbish may come first."""
    if named is MediaType.PDF and _PDF.search(head):
        return True
    if not _PDF.match(head.lstrip(b"\xef\xbb\xbf \t\r\n")):
        return False
    return _PDF_OBJECT.search(head) is not None or not is_text(head)


def _by_magic(head: bytes, named: MediaType | None) -> MediaType | None:
    """The format of a text that begins with a mark; XML may also be the form of another format."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, media_type in _TEXT_MAGIC:
        if head.startswith(magic):
            generic = named in {None, MediaType.TEXT, MediaType.XML, MediaType.XLS}
            return media_type if generic or media_type is not MediaType.XML else None
    return None


def _sniff_text(head: bytes, named: MediaType | None) -> MediaType:
    for magic, kind in _FOREIGN:
        if head.startswith(magic) and (not magic.isalnum() or not is_text(head)):
            raise UnsupportedMediaType(f"the content is {kind}")
    if _POSTSCRIPT.match(head):
        raise UnsupportedMediaType("the content is a PostScript document")
    marked = _by_magic(head, named)
    if marked is MediaType.RTF:  # it may hold bytes of pictures
        return marked
    if not is_text(head):
        raise UnsupportedMediaType("the content is binary, of no known type")
    text = as_utf8(head)
    if _HTML.match(text):
        return MediaType.HTML
    if marked:
        return marked
    if mail := sniff_mail(text, is_named=named in _MAIL):
        return MediaType.MBOX if mail is Mail.BOX and named is not MediaType.EML else MediaType.EML
    if named is None and _HTML_FRAGMENT.match(text) and _CLOSED_ELEMENT.search(text):
        return MediaType.HTML
    return _by_name(named)


def _by_name(named: MediaType | None) -> MediaType:
    """The format of a text without a mark."""
    if named is MediaType.XLS:  # programs write tables of text under this name
        return MediaType.CSV
    if named in _BINARY:
        extension = next(ext for ext, media_type in EXTENSIONS.items() if media_type is named)
        raise DocumentUnreadable(f"the name ends in {extension} but the content is plain text")
    return named if named in _TEXTS else MediaType.TEXT
