"""Word, Excel and EPUB through kreuzberg, PowerPoint through python-pptx."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator

import pptx
from lxml.etree import LxmlError  # type: ignore[import-untyped]  # ships no types
from pptx.exc import PythonPptxError
from pptx.shapes.autoshape import Shape
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.shapes.group import GroupShape

from ingest.adapters.local_parser.draft import Draft
from ingest.adapters.local_parser.library import extract
from ingest.domain.document import MediaType
from ingest.domain.errors import DocumentUnreadable

# kreuzberg 4.10 drops character references and tabs from the text of Word documents. Noncharacters
# stand in for the three that XML cannot hold bare; no text interchanged may contain them.
_STAND_INS = {"&": "\ufdd0", "<": "\ufdd1", ">": "\ufdd2"}
_RESTORED = {ord(stand_in): char for char, stand_in in _STAND_INS.items()}
_NAMED = {b"amp": "&", b"lt": "<", b"gt": ">", b"quot": '"', b"apos": "'"}
_REFERENCE = re.compile(rb"&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));")
_WORD_PART = re.compile(
    r"\[Content_Types\]\.xml|(?:.*/)?_rels/.*\.rels"
    r"|word/(?:document|styles|numbering|footnotes|endnotes|comments|header|footer)\d*\.xml"
)
_TAB = re.compile(rb"<w:tab\s*/>")
_NO_BREAK_HYPHEN = re.compile(rb"<w:noBreakHyphen\s*/>")
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, KeyError)


def parse_docx(data: bytes, draft: Draft) -> None:
    """Read a Word document; it has no pages until someone lays it out."""
    try:
        prepared = _without_references(data)
    except _ZIP_ERRORS as exc:
        raise DocumentUnreadable("the DOCX document is truncated or corrupt") from exc
    markdown = extract(prepared, MediaType.DOCX).content
    draft.add_markdown(markdown, escaped=True, restored=_RESTORED)


def parse_xlsx(data: bytes, draft: Draft) -> None:
    """Read a workbook: one page for each sheet, rows as a Markdown table."""
    found = extract(data, MediaType.XLSX)
    names = found.metadata.get("sheet_names") or []
    for page in found.pages or []:
        number = page["page_number"]
        draft.begin_page(number)
        draft.add_heading(1, names[number - 1] if number <= len(names) else f"Sheet {number}")
        for table in page["tables"]:
            draft.add(_without_blank_rows(table.markdown))


def parse_epub(data: bytes, draft: Draft) -> None:
    """Read a book in the order of its spine."""
    draft.add_markdown(extract(data, MediaType.EPUB).content, escaped=True)


def parse_pptx(data: bytes, draft: Draft) -> None:
    """Read a presentation: one page for each slide, title as heading, notes last."""
    try:
        for number, slide in enumerate(pptx.Presentation(io.BytesIO(data)).slides, start=1):
            draft.begin_page(number)
            title = slide.shapes.title
            if title is not None:
                draft.add_heading(1, title.text_frame.text)
            for shape in _leaves(slide.shapes):
                if title is None or shape.shape_id != title.shape_id:
                    draft.add(_shape_text(shape))
            if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
                draft.add(slide.notes_slide.notes_text_frame.text)
    except (PythonPptxError, LxmlError, AttributeError, TypeError, *_ZIP_ERRORS) as exc:
        raise DocumentUnreadable(
            f"the PPTX document is truncated or corrupt ({type(exc).__name__})"
        ) from exc


def _leaves(shapes: Iterable[BaseShape]) -> Iterator[BaseShape]:
    for shape in shapes:
        if isinstance(shape, GroupShape):
            yield from _leaves(shape.shapes)
        else:
            yield shape


def _shape_text(shape: BaseShape) -> str:
    if isinstance(shape, Shape):
        return "\n\n".join(p.text for p in shape.text_frame.paragraphs if p.text.strip())
    if isinstance(shape, GraphicFrame) and shape.has_table:
        return "\n".join(
            f"| {' | '.join(cell.text for cell in row.cells)} |" for row in shape.table.rows
        )
    return ""


def _without_blank_rows(table: str) -> str:
    return "\n".join(line for line in table.split("\n") if line.strip("| "))


def _without_references(data: bytes) -> bytes:
    """The same Word document with bare characters for references; only the parts with text."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for entry in source.infolist():
            if not _WORD_PART.fullmatch(entry.filename):
                continue
            part = source.read(entry)
            if entry.filename.endswith(".xml"):
                part = _REFERENCE.sub(_bare, part)
                part = _TAB.sub(b'<w:t xml:space="preserve">\t</w:t>', part)
                part = _NO_BREAK_HYPHEN.sub(b"<w:t>-</w:t>", part)
            target.writestr(entry.filename, part)
    return out.getvalue()


def _bare(found: re.Match[bytes]) -> bytes:
    if found[1]:
        char = _NAMED[found[1]]
    else:
        point = int(found[2]) if found[2] else int(found[3], 16)
        char = chr(point) if point < 0x110000 else "\N{REPLACEMENT CHARACTER}"
    return _STAND_INS.get(char, char).encode("utf-8", "replace")
