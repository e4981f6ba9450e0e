"""Reads what a Word document imports when it is opened (altChunk): HTML, text, another document."""

import email
import email.policy
import io
import posixpath
import zipfile
from collections.abc import Callable

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.office_package import Package, Relation
from ingest.adapters.parsers.local.formats.text import decode
from ingest.adapters.parsers.local.zip_check import ZIP_ERRORS
from ingest.domain.errors import DocumentUnreadable, ParserLimitExceeded
from ingest.domain.parse_warning import WarningCode

_MAX_EXPANDED_BYTES = 256 * 1024**2
"""Most bytes that an imported document may expand to."""
_HTML = frozenset({".htm", ".html", ".xhtml", ".xht", ".xml"})
_MHTML = frozenset({".mht", ".mhtml", ".eml"})
_WORD = frozenset({".docx", ".docm", ".dotx", ".dotm"})

ReadWord = Callable[[zipfile.ZipFile, Draft], None]


def write_import(
    package: Package, relation: Relation | None, draft: Draft, read_word: ReadWord | None
) -> None:
    """Write an imported part at its place; warn when it cannot be read.

    Args:
        package: The document.
        relation: The reference to the part.
        draft: Gets the text.
        read_word: Reads an imported Word document; None when imports are nested too deeply.
    """
    if relation is None or not package.has(relation.part):
        draft.warn(WarningCode.PART_NOT_READ, "an imported part is missing in the file")
        return
    data, ending = package.data(relation.part), posixpath.splitext(relation.part)[1].lower()
    name = posixpath.basename(relation.part)
    if data.startswith(b"PK") and read_word is not None:
        _write_word(data, name, draft, read_word)
    elif ending in _HTML:
        parse_html(decode(data, markup=True), draft)
    elif ending in _MHTML:
        _write_message(data, draft)
    elif ending == ".txt" or (ending not in _WORD and _is_text(data)):
        draft.add(decode(data))
    else:
        draft.warn(WarningCode.PART_NOT_READ, f"the imported part {name!r} was not read")


def _is_text(data: bytes) -> bool:
    return b"\0" not in data and not data.startswith((b"{\\rtf", b"PK", b"%PDF"))


def _write_word(data: bytes, name: str, draft: Draft, read_word: ReadWord) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            expanded = sum(entry.file_size for entry in archive.infolist())
            if expanded > _MAX_EXPANDED_BYTES:
                raise ParserLimitExceeded(
                    f"the imported document {name!r} expands to {expanded} bytes, "
                    f"limit {_MAX_EXPANDED_BYTES}"
                )
            read_word(archive, draft)
    except (*ZIP_ERRORS, RuntimeError, DocumentUnreadable):  # RuntimeError: it has a password
        message = f"the imported document {name!r} is damaged and was not read whole"
        draft.warn(WarningCode.PART_NOT_READ, message)


def _write_message(data: bytes, draft: Draft) -> None:
    message = email.message_from_bytes(data, policy=email.policy.default)
    for part in message.walk():
        if part.get_content_maintype() != "text":
            continue
        payload = part.get_payload(decode=True)
        body = payload if isinstance(payload, bytes) else b""
        if part.get_content_subtype() == "html":
            parse_html(decode(body, markup=True), draft)
        elif part.get_content_subtype() == "plain":
            draft.add(decode(body))
