"""Checks the directory of a ZIP archive before an entry is extracted."""

import zipfile
import zlib

from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.errors import DocumentEncrypted, ParserLimitExceeded

ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, KeyError)
"""What a damaged archive raises while it is read."""
MAX_ENTRIES = 100_000
MAX_RATIO = 100
"""Office files expand about 10 times; the compression method can reach 1,000 times."""
_RATIO_MATTERS_BYTES = 32 * 1024**2
"""Below this size an archive cannot do harm, whatever its ratio."""
_ENCRYPTED_FLAG = 1


def check_archive(archive: zipfile.ZipFile, *, archive_bytes: int, limits: ParserLimits) -> int:
    """Refuse archives that would expand too far; returns the bytes that they expand to.

    Raises:
        ParserLimitExceeded: declared sizes, ratio or number of entries are over a limit.
        DocumentEncrypted: an entry is protected by a password.
    """
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise ParserLimitExceeded(f"the archive has {len(entries)} entries, limit {MAX_ENTRIES}")
    if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in entries):
        raise DocumentEncrypted("the archive is protected by a password")
    expanded = sum(entry.file_size for entry in entries)
    most = limits.max_archive_bytes
    if expanded > most:
        raise ParserLimitExceeded(f"the archive expands to {expanded} bytes, limit {most}")
    if expanded > _RATIO_MATTERS_BYTES and expanded > MAX_RATIO * archive_bytes:
        raise ParserLimitExceeded(
            f"the archive expands {expanded // archive_bytes} times, limit {MAX_RATIO}"
        )
    return expanded
