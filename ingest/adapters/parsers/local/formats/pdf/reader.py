"""Reads a PDF page by page, and writes its lines, headings and tables into a draft."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pypdfium2
import pypdfium2.raw as pdfium_c

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.pdf import beside, fallback_font, xfa
from ingest.adapters.parsers.local.formats.pdf.characters import Characters
from ingest.adapters.parsers.local.formats.pdf.headings import bookmark_titles
from ingest.adapters.parsers.local.formats.pdf.layers import hide_layers
from ingest.adapters.parsers.local.formats.pdf.layout import read_pieces
from ingest.adapters.parsers.local.formats.pdf.lines import TextLine
from ingest.adapters.parsers.local.formats.pdf.writer import PageContent, Rows, write_pages
from ingest.adapters.parsers.local.formats.text import decode
from ingest.adapters.parsers.local.ocr.pdf_page import recognize_page
from ingest.adapters.parsers.local.ocr.recognition import Recognition
from ingest.domain.errors import DocumentEncrypted, DocumentUnreadable
from ingest.domain.media_type import HEAD_BYTES
from ingest.domain.parse_warning import WarningCode, name_numbers

_HEADER, _END_MARK = b"%PDF-", b"startxref"
_PDFIUM_LOOKS_FOR_HEADER = 1024
_TAIL_BYTES = 64 * 1024
_TEXT_SUFFIXES = {".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".log", ".yaml", ".yml"}
_PAGE_COUNT = re.compile(
    rb"/Type\s*/Pages\b[^>]{0,5000}?/Count\s+(\d+)|/Count\s+(\d+)[^>]{0,5000}?/Type\s*/Pages\b"
)
_END = re.compile(rb"startxref\s{1,4}(\d{1,12})\s{1,4}%%EOF")
_LAYER_OF_FORM = re.compile(rb"/OC[ \r\n]*\d+[ \r\n]+\d+[ \r\n]+R")
"""In the dictionary of a form, which is never compressed."""


@dataclass(slots=True)
class _OpenPdf:
    """A document while it is read."""

    document: pypdfium2.PdfDocument
    characters: Characters
    tagged: bool
    layered: bool
    layered_forms: bool
    form: object | None
    recognition: Recognition
    hidden: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    pinned: list[tuple[str, bytes]] = field(default_factory=list)


def parse_pdf(data: bytes, draft: Draft) -> None:
    """Read a PDF into a draft; the text of pages that are pictures is recognized.

    A page that cannot be read costs that page, and a warning.

    Raises:
        DocumentRejected: encrypted, unreadable, without pages, too many pages, or too much text.
    """
    fallback_font.install()
    data = _from_header(data)
    document = _with_found_objects(_open(data), data, draft)
    characters = Characters(data)
    try:
        draft.expect_pages(len(document))
        _check_end(data, document, draft)
        source = _source(data, document, characters, draft.recognition)
        pages = [_read_page(source, index) for index in range(len(document))]
        if len(source.broken) == len(pages):
            raise DocumentUnreadable(
                f"{name_numbers('page', source.broken)} of the PDF cannot be read"
            )
        if source.tagged and not any(page.described for page in pages):
            pages[-1].described = beside.loose_alternatives(data)
        write_pages(pages, bookmark_titles(document), draft)
        if not any(page.fields for page in pages):
            draft.add("\n".join(xfa.values(document.raw)))
        _warn(source, draft)
        _write_attachments(document, source.pinned, draft)
    finally:
        characters.close()
        document.close()


def _from_header(data: bytes) -> bytes:
    """The file from its header on: PDFium looks for it in the first 1,024 bytes only."""
    start = data.find(_HEADER, 0, HEAD_BYTES)
    return data[start:] if start > _PDFIUM_LOOKS_FOR_HEADER else data


def _open(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        if getattr(exc, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD:
            raise DocumentEncrypted("the PDF is protected by a password") from exc
        if _END_MARK not in data[-_TAIL_BYTES:]:
            raise DocumentUnreadable("the PDF is truncated: its end is missing") from exc
        raise DocumentUnreadable("the PDF is corrupt, or has no pages") from exc


def _with_found_objects(
    document: pypdfium2.PdfDocument, data: bytes, draft: Draft
) -> pypdfium2.PdfDocument:
    """Search the file for its objects when its table names wrong places for the first page."""
    if _has_first_page(document):
        return document
    try:
        found = pypdfium2.PdfDocument(data.replace(_END_MARK, b"-" * len(_END_MARK)))
    except pypdfium2.PdfiumError:
        return document
    if len(found) < len(document) or not _has_first_page(found):
        found.close()
        return document
    document.close()
    draft.warn(
        WarningCode.REPAIRED, "the PDF's table of its objects is wrong; they were searched for"
    )
    return found


def _has_first_page(document: pypdfium2.PdfDocument) -> bool:
    try:
        document[0].close()
    except (pypdfium2.PdfiumError, IndexError):
        return False
    return True


def _check_end(data: bytes, document: pypdfium2.PdfDocument, draft: Draft) -> None:
    """Warn of a repair; PDFium loses pages of a truncated file without a word.

    Raises:
        DocumentUnreadable: the file lacks its end, and pages with it.
    """
    if _END_MARK in data[-_TAIL_BYTES:]:
        return
    told = max((int(one or other) for one, other in _PAGE_COUNT.findall(data)), default=0)
    whole = data.rstrip().endswith((b"%%EOF", b"endobj", b">>")) or _has_far_end(data)
    if told > len(document) or not whole:
        raise DocumentUnreadable("the PDF is truncated: its end is missing")
    draft.warn(
        WarningCode.REPAIRED,
        "the PDF has no table of its objects at its end; it was repaired, and pages may be missing",
    )


def _has_far_end(data: bytes) -> bool:
    """Whether the file is whole, with other bytes behind it; 0 is no end but a first part."""
    ends = _END.findall(data)
    return bool(ends) and int(ends[-1]) > 0


def _source(
    data: bytes,
    document: pypdfium2.PdfDocument,
    characters: Characters,
    recognition: Recognition,
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
        _LAYER_OF_FORM.search(data) is not None,
        form,
        recognition,
    )


def _read_page(source: _OpenPdf, index: int) -> PageContent:
    try:
        page = source.document[index]
        try:
            content = _content(source, page, index)
            own = "\n".join([_shown(content.pieces), *content.fields])
            if recognized := recognize_page(page, index + 1, own.strip(), source.recognition):
                content.pieces, content.recognized = [], recognized
            return content
        finally:
            page.close()
    except pypdfium2.PdfiumError:
        source.broken.append(index + 1)
        return PageContent(0.0, [])


def _content(source: _OpenPdf, page: pypdfium2.PdfPage, index: int) -> PageContent:
    if source.layered and hide_layers(page, forms=source.layered_forms):
        source.hidden.append(index + 1)
    textpage = page.get_textpage()
    try:
        height, pieces = read_pieces(page.raw, textpage.raw, source.characters.mender(index))
    finally:
        textpage.close()
    fields, comments, pinned = beside.annotations(page.raw, source.form)
    source.pinned += map(_attachment, pinned)
    described = beside.alternative_texts(page.raw) if source.tagged else []
    shown = _shown(pieces) if described else ""
    return PageContent(
        height,
        pieces,
        fields,
        comments,
        [text for text in described if text not in shown],
    )


def _shown(pieces: Sequence[TextLine | Rows]) -> str:
    return "\n".join(
        piece.text if isinstance(piece, TextLine) else "\n".join(map("\n".join, piece))
        for piece in pieces
    )


def _attachment(attachment: object) -> tuple[str, bytes]:
    """The name of a file in a document, and its bytes if it is of plain text."""
    name = beside.attachment_name(attachment)
    is_text = PurePosixPath(name).suffix.lower() in _TEXT_SUFFIXES
    return name, beside.attachment_data(attachment) if is_text else b""


def _write_attachments(
    document: pypdfium2.PdfDocument, pinned: list[tuple[str, bytes]], draft: Draft
) -> None:
    """Name attached files; those of plain text are read."""
    for name, data in dict.fromkeys([*map(_attachment, beside.attachments(document.raw)), *pinned]):
        draft.add(f"Attachment: {name}")
        if data and b"\0" not in data:
            draft.add(decode(data))
        else:
            draft.warn(
                WarningCode.ATTACHMENT_NOT_READ, f"the attached file {name} was named, but not read"
            )


def _warn(source: _OpenPdf, draft: Draft) -> None:
    if xfa.is_dynamic(source.document.raw):
        draft.warn(
            WarningCode.PART_NOT_READ,
            "the form is of XML (XFA): its values were read, and its labels were not",
        )
    if source.broken:
        named = name_numbers("page", source.broken)
        draft.warn(WarningCode.PAGE_NOT_READ, f"{named} cannot be read")
    if source.hidden:
        named = name_numbers("page", source.hidden)
        draft.warn(
            WarningCode.HIDDEN_TEXT_LEFT_OUT,
            f"text in layers that are switched off was left out of {named}",
        )
