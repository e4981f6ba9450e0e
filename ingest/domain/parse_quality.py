"""Checks the text of a parser before it is stored: it must hold the content of the document."""

import re
from collections.abc import Collection

import numpy as np

from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentEmpty, ParseInvalid
from ingest.domain.remote_parse import SourceExtent

MAX_GARBAGE_SHARE = 0.05
MAX_FAILED_SHARE = 0.05
"""LlamaParse's own default of allowed_page_failure_ratio."""
MIN_TEXT_SHARE = 0.1
"""Least share of the characters of the source's text layer that the parse must have."""
PAGE_BYTES = 64 * 1024
"""LlamaParse cuts the text of a page at this size without an error (its limitations page)."""
_CUT_BYTES = PAGE_BYTES - 4
"""A cut does not split a character, which has up to 4 bytes in UTF-8."""
_THIN_CHARS = 16
_SCANNED_SHARE = 0.5
_ENOUGH_CHARS = 200
# Replacement and private-use characters, and controls other than tab, line and page breaks.
_GARBAGE = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]")
_ASCII_GARBAGE = bytes(code for code in range(128) if _GARBAGE.match(chr(code)))
_IS_GARBAGE = np.array([_GARBAGE.match(chr(code)) is not None for code in range(2**16)])
_WORDLIKE = re.compile(r"\w")


def check_text(parsed: ParsedDocument) -> None:
    """Refuse a text that is empty or mostly unreadable.

    Raises:
        DocumentEmpty: the text has only white space.
        ParseInvalid: a check failed; the message has the numbers.
    """
    if not parsed.text.strip():
        raise DocumentEmpty("there is no text in the document")
    _refuse(_text_faults(parsed))


def check_parse(
    parsed: ParsedDocument,
    source: SourceExtent,
    *,
    failed_pages: Collection[int],
    longest_page_bytes: int,
) -> None:
    """Refuse a provider's parse that does not match its source.

    Raises:
        ParseInvalid: a check failed; the message has the numbers.
    """
    faults = _text_faults(parsed)
    pages = len(parsed.pages)
    if source.pages is not None and pages != source.pages:
        faults.append(f"it has {pages} pages, the document {source.pages}")
    if source.pages is None and pages >= source.most_pages:
        faults.append(f"it was cut off at {source.most_pages} pages")
    if pages and len(failed_pages) > MAX_FAILED_SHARE * pages:
        faults.append(f"{len(failed_pages)} of {pages} pages failed, limit {MAX_FAILED_SHARE:.0%}")
    if source.chars >= _ENOUGH_CHARS and len(parsed.text) < MIN_TEXT_SHARE * source.chars:
        faults.append(
            f"it has {len(parsed.text)} characters, the document's text layer {source.chars}"
        )
    if longest_page_bytes >= _CUT_BYTES:
        faults.append(f"a page has {longest_page_bytes} bytes: it was cut off at {PAGE_BYTES}")
    _refuse(faults)


def refuse_empty(source: SourceExtent) -> None:
    """Refuse a provider's parse without any text.

    Raises:
        ParseInvalid: always.
    """
    known = [f"{source.chars} characters of its own"]
    known += [f"{source.pages} pages"] if source.pages is not None else []
    _refuse([f"it holds no text, the document has {' and '.join(known)}"])


def is_scanned(parsed: ParsedDocument) -> bool:
    """Whether more than half of the pages have almost no text, so that they must be images."""
    thin = sum(
        len(_WORDLIKE.findall(parsed.text[page.char_start : page.char_end])) < _THIN_CHARS
        for page in parsed.pages
    )
    return thin > _SCANNED_SHARE * len(parsed.pages)


def _text_faults(parsed: ParsedDocument) -> list[str]:
    garbage = _count_garbage(parsed.text)
    # Some controls count as white space for split, but are garbage.
    visible = max(garbage, sum(map(len, parsed.text.split()))) if garbage else 0
    if garbage > MAX_GARBAGE_SHARE * visible:
        share = garbage / visible
        return [f"{share:.0%} of its characters are unreadable, limit {MAX_GARBAGE_SHARE:.0%}"]
    if _WORDLIKE.search(parsed.text) is None:
        return ["it holds no letter and no digit"]
    return []


def _count_garbage(text: str) -> int:
    """Count the matches of ``_GARBAGE``, in a tenth of its time at most."""
    if text.isascii():
        encoded = text.encode("ascii")
        return len(encoded) - len(encoded.translate(None, _ASCII_GARBAGE))
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return int(np.count_nonzero(_IS_GARBAGE.take(codes[codes < len(_IS_GARBAGE)])))


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ParseInvalid("the parse is not usable: " + "; ".join(faults))
