"""Writes PDF files."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Paragraph as Prose
from reportlab.platypus import Preformatted, SimpleDocTemplate

from ingest.demo.blocks import Block, Code, HeadingBlock, Item, Paragraph, Table, read_blocks

_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=14, spaceAfter=6)
_ITEM = ParagraphStyle("item", _BODY, leftIndent=14, bulletIndent=2, spaceAfter=3)
_CODE = ParagraphStyle("code", _BODY, fontName="Courier", fontSize=8, leading=10, leftIndent=8)
_HEADINGS = [
    ParagraphStyle(f"h{level}", fontName="Helvetica-Bold", fontSize=size, leading=size * 1.3)
    for level, size in enumerate((22, 18, 15, 13, 13, 13), start=1)
]
for _style in _HEADINGS:
    _style.spaceBefore, _style.spaceAfter = 10, 6
_CODE_COLUMNS = 92
_FOUND_IN_NO_STANDARD_FONT = str.maketrans(
    {"→": "->", "←": "<-", "⇔": "<=>", "≤": "<=", "≥": ">=", "≠": "!=", "▼": "v", "►": ">"}
    | {"▶": ">", "✓": "yes", "─": "-", "│": "|"}
    | dict.fromkeys("┌┐└┘├┤┬┴┼", "+")
)


def write_pdf(title: str, markdown: str, path: Path) -> None:
    """Write a PDF file in the fonts that every reader has."""
    template = SimpleDocTemplate(str(path), pagesize=A4, title=title, invariant=1)
    template.build([part for block in read_blocks(markdown) for part in _parts(block)])


def _parts(block: Block) -> Iterator[Any]:
    match block:
        case HeadingBlock(level, text):
            yield _prose(text, _HEADINGS[level - 1])
        case Paragraph(text):
            yield _prose(text, _BODY)
        case Item(text, _):
            yield Prose(escape(_printable(text)), _ITEM, bulletText="\u2022")
        case Code(text):
            yield Preformatted(
                _printable(text), _CODE, maxLineLength=_CODE_COLUMNS, newLineChars=""
            )
        case Table(rows):
            for row in rows:
                yield _prose(" | ".join(row), _ITEM)


def _prose(text: str, style: ParagraphStyle) -> Prose:
    return Prose(escape(_printable(text)), style)


def _printable(text: str) -> str:
    """Keep characters that the standard fonts have; any other becomes a question mark."""
    mapped = text.translate(_FOUND_IN_NO_STANDARD_FONT)
    return mapped.encode("cp1252", "replace").decode("cp1252")
