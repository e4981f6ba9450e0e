"""Reads PDF with PDFium: text by page, headings by font size."""

import ctypes
import re
from collections import Counter
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium_c

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.ocr.pdf_page import recognize_page
from ingest.domain.errors import DocumentEncrypted, DocumentUnreadable

_LINE_END_HYPHEN = re.compile("[\x02\ufffe](?:\r\n|\n)?")
_END_MARK = b"startxref"
_TAIL_BYTES = 64 * 1024
_HEADING_SCALE = 1.15
_MAX_HEADING_CHARS = 200
_MAX_HEADING_SHARE = 0.3
_MIN_WRAPPED_CHARS = 40
_WRAPPED_SHARE = 0.7
_BULLETS = "•◦▪‣\u2013-*"


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    size: float
    """Height of the first letter's box in points, rounded; 0 when unknown."""


def parse_pdf(data: bytes, draft: Draft) -> None:
    """Read a PDF page by page into a draft.

    A file without its end is refused, because PDFium would repair it and silently lose pages.

    Raises:
        DocumentRejected: encrypted, unreadable, without pages, too many pages, or too much text.
    """
    if _END_MARK not in data[-_TAIL_BYTES:]:
        raise DocumentUnreadable("the PDF is truncated: its end is missing")
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        if getattr(exc, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD:
            raise DocumentEncrypted("the PDF is protected by a password") from exc
        raise DocumentUnreadable("the PDF is corrupt, or has no pages") from exc
    try:
        draft.expect_pages(len(document))
        pages = [_read_page(document, index, draft) for index in range(len(document))]
    finally:
        document.close()
    levels = _heading_levels(pages)
    for number, lines in enumerate(pages, start=1):
        draft.begin_page(number)
        if isinstance(lines, str):
            draft.add(lines)
        else:
            _write_page(lines, levels, draft)


def _read_page(document: pypdfium2.PdfDocument, index: int, draft: Draft) -> list[_Line] | str:
    """The lines of a page, or the text that was recognized in its picture."""
    try:
        page = document[index]
        try:
            textpage = page.get_textpage()
            try:
                lines = _read_lines(textpage)
            finally:
                textpage.close()
            own = "\n".join(line.text for line in lines)
            return recognize_page(page, index + 1, own, draft.recognition) or lines
        finally:
            page.close()
    except pypdfium2.PdfiumError as exc:
        raise DocumentUnreadable(f"page {index + 1} of the PDF is corrupt") from exc


def _read_lines(textpage: pypdfium2.PdfTextPage) -> list[_Line]:
    box = pdfium_c.FS_RECTF()
    lines: list[_Line] = []
    at = 0
    for raw in textpage.get_text_range(errors="surrogatepass").split("\n"):
        text = raw.strip()
        size = 0.0
        if text:
            lead = at + len(raw) - len(raw.lstrip())
            letter = pdfium_c.FPDFText_GetCharIndexFromTextIndex(textpage, lead)
            if pdfium_c.FPDFText_GetLooseCharBox(textpage, letter, ctypes.byref(box)):
                size = round(abs(box.top - box.bottom), 1)
        lines.append(_Line(text, size))
        at += _utf16_units(raw) + 1
    return lines


def _utf16_units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _heading_levels(pages: list[list[_Line] | str]) -> dict[float, int]:
    """Heading levels of font sizes that are rare and larger than most of the text."""
    weights: Counter[float] = Counter()
    for lines in pages:
        for line in () if isinstance(lines, str) else lines:
            weights[line.size] += len(line.text)
    body = weights.most_common(1)[0][0] if weights else 0.0
    total = sum(weights.values())
    large = sorted((size for size in weights if size > body * _HEADING_SCALE), reverse=True)
    if not body or sum(weights[size] for size in large) > total * _MAX_HEADING_SHARE:
        return {}
    return {size: min(rank, 6) for rank, size in enumerate(large, start=1)}


def _write_page(lines: list[_Line], levels: dict[float, int], draft: Draft) -> None:
    body: list[str] = []
    heading: list[_Line] = []
    for line in [*lines, _Line("", 0.0)]:
        if heading and (line.size != heading[0].size or not line.text):
            _write_heading(heading, levels[heading[0].size], draft)
            heading = []
        if line.text and line.size in levels:
            if body:
                draft.add(_unwrap(body))
                body = []
            heading.append(line)
        elif line.text or body:
            body.append(line.text)
    if body:
        draft.add(_unwrap(body))


def _write_heading(lines: list[_Line], level: int, draft: Draft) -> None:
    title = " ".join(line.text for line in lines)
    if len(title) > _MAX_HEADING_CHARS or not any(map(str.isalpha, title)):
        draft.add(title)
    else:
        draft.add_heading(level, title)


def _unwrap(lines: list[str]) -> str:
    """Remove line breaks inside sentences, after a full-width line without a sentence end."""
    full = max(_MIN_WRAPPED_CHARS, _WRAPPED_SHARE * max(map(len, lines)))
    parts: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        wrapped = (
            len(line) >= full
            and line[-1] not in ".!?:"
            and following
            and following[0] not in _BULLETS
        )
        parts += [line, " " if wrapped else "\n"]
    return _LINE_END_HYPHEN.sub("", "".join(parts))
