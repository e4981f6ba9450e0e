"""What a ZIP archive says about itself, checked before anything is extracted."""

import io
import re
import zipfile

from ingest.domain.document import MediaType
from ingest.domain.errors import DocumentEncrypted, ParserLimitExceeded, TooManyPages

MAX_ENTRIES = 100_000
MAX_RATIO = 100
_RATIO_MATTERS_BYTES = 32 * 1024**2
_BYTES_PER_CHAR = 8
_ENCRYPTED_FLAG = 1
_PAGE_PART = {
    MediaType.PPTX: re.compile(r"ppt/slides/slide\d+\.xml"),
    MediaType.XLSX: re.compile(r"xl/worksheets/sheet\d+\.xml"),
}


def check_archive(
    data: bytes, media_type: MediaType, *, max_pages: int, max_text_chars: int
) -> None:
    """Refuse archives that would expand too far, or hold too many slides or sheets.

    Raises:
        ParserLimitExceeded: declared sizes, ratio or number of entries are over a limit.
        DocumentEncrypted: an entry is protected by a password.
        TooManyPages: more slides or sheets than the limit.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise ParserLimitExceeded(f"the archive has {len(entries)} entries, limit {MAX_ENTRIES}")
    if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in entries):
        raise DocumentEncrypted("the archive is protected by a password")
    expanded = sum(entry.file_size for entry in entries)
    if expanded > max_text_chars * _BYTES_PER_CHAR:
        raise ParserLimitExceeded(
            f"the archive expands to {expanded} bytes, limit {max_text_chars * _BYTES_PER_CHAR}"
        )
    if expanded > _RATIO_MATTERS_BYTES and expanded > MAX_RATIO * len(data):
        raise ParserLimitExceeded(
            f"the archive expands {expanded // len(data)} times, limit {MAX_RATIO}"
        )
    part = _PAGE_PART.get(media_type)
    pages = sum(1 for entry in entries if part.fullmatch(entry.filename)) if part else 0
    if pages > max_pages:
        raise TooManyPages(f"the document has {pages} slides or sheets, limit {max_pages}")
