"""What stands beside the text: values of forms, comments, attachments, alternative texts."""

import ctypes
import html
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium_c

_MAX_ANNOTATIONS = 5_000
_MAX_ELEMENTS = 20_000
_MAX_OPTIONS = 1_000
_MAX_ATTACHMENTS = 100
_MAX_TEXT_BYTES = 1_000_000
_ALTERNATIVE = re.compile(rb"/Alt\s*\(((?:[^()\\]|\\.|\([^()]*\)){1,4000})\)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\n", b"t": b"\t", b"\n": b"", b"\r\n": b"", b"b": b"", b"f": b""}
_COMMENTS = {
    pdfium_c.FPDF_ANNOT_TEXT,
    pdfium_c.FPDF_ANNOT_FREETEXT,
    pdfium_c.FPDF_ANNOT_HIGHLIGHT,
    pdfium_c.FPDF_ANNOT_UNDERLINE,
    pdfium_c.FPDF_ANNOT_SQUIGGLY,
    pdfium_c.FPDF_ANNOT_STRIKEOUT,
    pdfium_c.FPDF_ANNOT_STAMP,
    pdfium_c.FPDF_ANNOT_CARET,
    pdfium_c.FPDF_ANNOT_SQUARE,
    pdfium_c.FPDF_ANNOT_CIRCLE,
    pdfium_c.FPDF_ANNOT_LINE,
    pdfium_c.FPDF_ANNOT_POLYGON,
    pdfium_c.FPDF_ANNOT_POLYLINE,
    pdfium_c.FPDF_ANNOT_INK,
    pdfium_c.FPDF_ANNOT_FILEATTACHMENT,
}
_HIDDEN = 0x02
_TAG = re.compile("<[^<>]*>")
_TYPED = {
    pdfium_c.FPDF_FORMFIELD_TEXTFIELD,
    pdfium_c.FPDF_FORMFIELD_COMBOBOX,
    pdfium_c.FPDF_FORMFIELD_LISTBOX,
}
_CHOSEN = {pdfium_c.FPDF_FORMFIELD_COMBOBOX, pdfium_c.FPDF_FORMFIELD_LISTBOX}
_TICKED = {pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON}


class Annotations(NamedTuple):
    """What stands on one page beside its text."""

    fields: list[str]
    """Filled ones, as ``name: value``."""
    comments: list[str]
    """As ``author: text``."""
    pinned: list[Any]
    """Files that are pinned to places."""


def annotations(page: Any, form: Any) -> Annotations:
    """Read the annotations of one page.

    Args:
        page: PDFium's page.
        form: PDFium's environment of the form, None without a form.
    """
    fields: dict[str, None] = {}
    comments: dict[str, None] = {}
    pinned: list[Any] = []
    for index in range(min(pdfium_c.FPDFPage_GetAnnotCount(page), _MAX_ANNOTATIONS)):
        mark = pdfium_c.FPDFPage_GetAnnot(page, index)
        if not mark:
            continue
        try:
            kind = pdfium_c.FPDFAnnot_GetSubtype(mark)
            if kind == pdfium_c.FPDF_ANNOT_WIDGET and form is not None:
                field = _field(form, mark)
                if field:
                    fields[field] = None
            elif kind in _COMMENTS and not pdfium_c.FPDFAnnot_GetFlags(mark) & _HIDDEN:
                comment = _comment(mark)
                if comment:
                    comments[comment] = None
            if kind == pdfium_c.FPDF_ANNOT_FILEATTACHMENT and len(pinned) < _MAX_ATTACHMENTS:
                pinned += filter(None, [pdfium_c.FPDFAnnot_GetFileAttachment(mark)])
        finally:
            pdfium_c.FPDFPage_CloseAnnot(mark)
    return Annotations(list(fields), list(comments), pinned)


def _field(form: Any, mark: Any) -> str:
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, mark)
    if kind in _TYPED:
        value = ", ".join(_chosen(form, mark)) if kind in _CHOSEN else ""
        value = value or _text(pdfium_c.FPDFAnnot_GetFormFieldValue, form, mark).strip()
    elif kind in _TICKED and pdfium_c.FPDFAnnot_IsChecked(form, mark):
        value = _text(pdfium_c.FPDFAnnot_GetFormFieldExportValue, form, mark).strip() or "yes"
        value = "yes" if value in {"On", "Yes", "1"} else value
    else:
        return ""
    name = _text(pdfium_c.FPDFAnnot_GetFormFieldAlternateName, form, mark).strip()
    name = name or _text(pdfium_c.FPDFAnnot_GetFormFieldName, form, mark).strip()
    return f"{name}: {value}" if name and value else value


def _chosen(form: Any, mark: Any) -> list[str]:
    """The options that are chosen, as they are shown."""
    count = min(pdfium_c.FPDFAnnot_GetOptionCount(form, mark), _MAX_OPTIONS)
    chosen = [
        _text(pdfium_c.FPDFAnnot_GetOptionLabel, form, mark, at).strip()
        for at in range(count)
        if pdfium_c.FPDFAnnot_IsOptionSelected(form, mark, at)
    ]
    return list(filter(None, chosen))


def _comment(mark: Any) -> str:
    text = _text(pdfium_c.FPDFAnnot_GetStringValue, mark, b"Contents").strip()
    if not text:
        rich = _text(pdfium_c.FPDFAnnot_GetStringValue, mark, b"RC")
        text = " ".join(html.unescape(_TAG.sub(" ", rich)).split())
    author = _text(pdfium_c.FPDFAnnot_GetStringValue, mark, b"T").strip()
    return f"{author}: {text}" if text and author else text


def attachments(document: Any) -> list[Any]:
    """The files in a document."""
    count = min(max(0, pdfium_c.FPDFDoc_GetAttachmentCount(document)), _MAX_ATTACHMENTS)
    return [pdfium_c.FPDFDoc_GetAttachment(document, index) for index in range(count)]


def attachment_name(attachment: Any) -> str:
    """The name of a file in a document."""
    return _text(pdfium_c.FPDFAttachment_GetName, attachment).strip() or "without a name"


def attachment_data(attachment: Any) -> bytes:
    """The bytes of a file in a document; none when it has more than a million."""
    return read_bytes(pdfium_c.FPDFAttachment_GetFile, attachment, most=_MAX_TEXT_BYTES)


def read_bytes(read: Any, *of: Any, most: int) -> bytes:
    """Bytes that PDFium copies into a buffer; none when there are more than ``most``.

    Args:
        read: PDFium's function, which takes the buffer, its length, and where the length goes.
        of: Its parameters before these.
        most: Most bytes.
    """
    length = ctypes.c_ulong()
    read(*of, None, 0, ctypes.byref(length))
    if not 0 < length.value <= most:
        return b""
    buffer = ctypes.create_string_buffer(length.value)
    read(*of, buffer, length.value, ctypes.byref(length))
    return buffer.raw


def alternative_texts(page: Any) -> list[str]:
    """Alternative texts of figures, from the structure of a tagged page."""
    tree = pdfium_c.FPDF_StructTree_GetForPage(page)
    if not tree:
        return []
    try:
        return list(dict.fromkeys(_alternatives(tree)))
    finally:
        pdfium_c.FPDF_StructTree_Close(tree)


def loose_alternatives(data: bytes) -> list[str]:
    """Alternative texts of figures that no page refers to, of a file that is not encrypted."""
    if b"/Alt" not in data or b"/Encrypt" in data:
        return []
    return list(
        dict.fromkeys(
            text
            for match in _ALTERNATIVE.finditer(data)
            if (text := _literal(match.group(1)).strip())
        )
    )


def _literal(raw: bytes) -> str:
    def byte(match: "re.Match[bytes]") -> bytes:
        code = match.group(1)
        return bytes([int(code, 8) & 0xFF]) if code.isdigit() else _ESCAPES.get(code, code)

    text = _ESCAPE.sub(byte, raw)
    if text.startswith(b"\xfe\xff"):
        return text[2:].decode("utf-16-be", "replace")
    return (
        text.decode("utf-8-sig")
        if text.startswith(b"\xef\xbb\xbf")
        else text.decode("cp1252", "replace")
    )


def _alternatives(tree: Any) -> Iterator[str]:
    count = pdfium_c.FPDF_StructTree_CountChildren(tree)
    waiting = [
        pdfium_c.FPDF_StructTree_GetChildAtIndex(tree, at)
        for at in range(min(count, _MAX_ELEMENTS) - 1, -1, -1)
    ]
    seen = 0
    while waiting and seen < _MAX_ELEMENTS:
        element = waiting.pop()
        seen += 1
        if not element:
            continue
        text = _text(pdfium_c.FPDF_StructElement_GetAltText, element).strip()
        if text:
            yield text
        children = min(pdfium_c.FPDF_StructElement_CountChildren(element), _MAX_ELEMENTS)
        waiting += [
            pdfium_c.FPDF_StructElement_GetChildAtIndex(element, at)
            for at in range(children - 1, -1, -1)
        ]


def _text(read: Any, *names: Any) -> str:
    """Call a function of PDFium that writes UTF-16 into a buffer."""
    size = read(*names, None, 0)
    if not 2 < size <= _MAX_TEXT_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    # PDFium's own types differ by function: some take any pointer, some take code units.
    read(*names, ctypes.cast(buffer, read.argtypes[len(names)]), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")
