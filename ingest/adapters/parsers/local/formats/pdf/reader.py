"""Reads a PDF page by page, and writes its lines, headings and tables into a draft."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pypdfium2
import pypdfium2.raw as pdfium_c

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.pdf import beside, fallback_font
from ingest.adapters.parsers.local.formats.pdf.bitmap import Recognize, render_page
from ingest.adapters.parsers.local.formats.pdf.characters import Characters
from ingest.adapters.parsers.local.formats.pdf.headings import bookmark_titles
from ingest.adapters.parsers.local.formats.pdf.layers import hide_layers
from ingest.adapters.parsers.local.formats.pdf.layout import read_pieces
from ingest.adapters.parsers.local.formats.pdf.lines import TextLine
from ingest.adapters.parsers.local.formats.pdf.writer import PageContent, write_pages
from ingest.adapters.parsers.local.formats.text import decode
from ingest.domain.errors import DocumentEncrypted, DocumentUnreadable
from ingest.domain.parse_warning import WarningCode

_END_MARK = b"startxref"
_TAIL_BYTES = 64 * 1024
_TEXT_SUFFIXES = {".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".log", ".yaml", ".yml"}
_PAGE_COUNT = re.compile(
    rb"/Type\s*/Pages\b[^>]{0,5000}?/Count\s+(\d+)|/Count\s+(\d+)[^>]{0,5000}?/Type\s*/Pages\b"
)


@dataclass(slots=True)
class _OpenPdf:
    """A document while it is read."""

    document: pypdfium2.PdfDocument
    characters: Characters
    tagged: bool
    layered: bool
    form: object | None
    recognize: Recognize | None
    hidden: list[int] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)


def parse_pdf(data: bytes, draft: Draft, recognize: Recognize | None = None) -> None:
    """Read a PDF into a draft.

    A page that cannot be read costs that page, and a warning.

    Args:
        data: The whole file.
        draft: Takes the text.
        recognize: Called for each page without text.

    Raises:
        DocumentRejected: encrypted, unreadable, without pages, too many pages, or too much text.
    """
    fallback_font.install()
    document = _open(data)
    characters = Characters(data)
    try:
        draft.expect_pages(len(document))
        _check_end(data, document, draft)
        source = _source(data, document, characters, recognize)
        pages = [_read_page(source, index) for index in range(len(document))]
        if len(source.broken) == len(pages):
            raise DocumentUnreadable(f"{_names(source.broken)} of the PDF cannot be read")
        if source.tagged and not any(page.described for page in pages):
            pages[-1].described = beside.loose_alternatives(data)
        write_pages(pages, bookmark_titles(document), draft)
        _warn(source, draft)
        _write_attachments(document, draft)
    finally:
        characters.close()
        document.close()


def _open(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        if getattr(exc, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD:
            raise DocumentEncrypted("the PDF is protected by a password") from exc
        if _END_MARK not in data[-_TAIL_BYTES:]:
            raise DocumentUnreadable("the PDF is truncated: its end is missing") from exc
        raise DocumentUnreadable("the PDF is corrupt, or has no pages") from exc


def _check_end(data: bytes, document: pypdfium2.PdfDocument, draft: Draft) -> None:
    """Warn of a repair; PDFium loses pages of a truncated file without a word.

    Raises:
        DocumentUnreadable: the file lacks its end, and pages with it.
    """
    if _END_MARK in data[-_TAIL_BYTES:]:
        return
    told = max((int(one or other) for one, other in _PAGE_COUNT.findall(data)), default=0)
    if told > len(document) or not data.rstrip().endswith((b"%%EOF", b"endobj", b">>")):
        raise DocumentUnreadable("the PDF is truncated: its end is missing")
    draft.warn(
        WarningCode.REPAIRED,
        "the PDF has no table of its objects at its end; it was repaired, and pages may be missing",
    )


def _source(
    data: bytes,
    document: pypdfium2.PdfDocument,
    characters: Characters,
    recognize: Recognize | None,
) -> _OpenPdf:
    form = None
    if pdfium_c.FPDF_GetFormType(document.raw) != pdfium_c.FORMTYPE_NONE:
        document.init_forms()
        form = document.formenv.raw if document.formenv is not None else None
    return _OpenPdf(
        document,
        characters,
        bool(pdfium_c.FPDFCatalog_IsTagged(document.raw)),
        b"/OCProperties" in data or b"/ObjStm" in data,
        form,
        recognize,
    )


def _read_page(source: _OpenPdf, index: int) -> PageContent:
    try:
        page = source.document[index]
    except pypdfium2.PdfiumError:
        source.broken.append(index + 1)
        return PageContent(0.0, [])
    try:
        content = _content(source, page, index)
        if not content.pieces and not content.fields:
            text = ""
            if source.recognize is not None:
                text = source.recognize(index + 1, lambda dpi: render_page(page, dpi)).strip()
            content.recognized = text
            if not text:
                source.silent.append(index + 1)
        return content
    except pypdfium2.PdfiumError:
        source.broken.append(index + 1)
        return PageContent(0.0, [])
    finally:
        page.close()


def _content(source: _OpenPdf, page: pypdfium2.PdfPage, index: int) -> PageContent:
    if source.layered and hide_layers(page):
        source.hidden.append(index + 1)
    textpage = page.get_textpage()
    try:
        height, pieces = read_pieces(page.raw, textpage.raw, source.characters.mender(index))
    finally:
        textpage.close()
    fields, comments = beside.annotations(page.raw, source.form)
    described = beside.alternative_texts(page.raw) if source.tagged else []
    shown = (
        "\n".join(
            piece.text if isinstance(piece, TextLine) else "\n".join(map("\n".join, piece))
            for piece in pieces
        )
        if described or fields
        else ""
    )
    return PageContent(
        height,
        pieces,
        fields,
        comments,
        [text for text in described if text not in shown],
    )


def _write_attachments(document: pypdfium2.PdfDocument, draft: Draft) -> None:
    """Name attached files; those of plain text are read."""
    for index, name in enumerate(beside.attachments(document.raw)):
        draft.add(f"Attachment: {name}")
        data = b""
        if PurePosixPath(name).suffix.lower() in _TEXT_SUFFIXES:
            data = beside.attachment_data(document.raw, index)
        if data and b"\0" not in data:
            draft.add(decode(data))
        else:
            draft.warn(
                WarningCode.ATTACHMENT_NOT_READ, f"the attached file {name} was named, but not read"
            )


def _warn(source: _OpenPdf, draft: Draft) -> None:
    if source.silent:
        verb = "holds" if len(source.silent) == 1 else "hold"
        draft.warn(WarningCode.PAGE_WITHOUT_TEXT, f"{_names(source.silent)} {verb} no text")
    if source.broken:
        draft.warn(WarningCode.PAGE_NOT_READ, f"{_names(source.broken)} cannot be read")
    if source.hidden:
        draft.warn(
            WarningCode.HIDDEN_TEXT_LEFT_OUT,
            f"text in layers that are switched off was left out of {_names(source.hidden)}",
        )


def _names(numbers: Sequence[int]) -> str:
    """Name pages, such as ``pages 2 to 4 and 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    parts = []
    for first, last in runs[:20]:
        if last - first > 1:
            parts.append(f"{first} to {last}")
        else:
            parts += [str(number) for number in range(first, last + 1)]
    if len(runs) > 20:
        parts.append(f"{len(numbers) - sum(last - first + 1 for first, last in runs[:20])} more")
    listed = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"{'page' if len(numbers) == 1 else 'pages'} {listed}"
