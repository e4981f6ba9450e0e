"""The cells of Word tables in the columns of their grid."""

from collections.abc import Iterator

from ingest.adapters.parsers.local.formats.docx.inline import name_of
from ingest.adapters.parsers.local.formats.docx.styles import value
from ingest.adapters.parsers.local.formats.trees import Element, child

_MAX_SPAN = 200
"""Word has at most 63 columns."""


def nearest(element: Element, name: str) -> Iterator[Element]:
    """Elements of this name below another, without those that are nested in one of them."""
    for part in element:
        own = name_of(part)
        if own == name:
            yield part
        elif own in {"sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"}:
            yield from nearest(part, name)


def rows(table: Element) -> list[list[Element | None]]:
    """The cells of each row; None for a column without a cell of its own.

    A cell over several columns stands in the first one. A cell that continues the one above is
    there, and Word keeps it empty.
    """
    return [list(_cells(row)) for row in nearest(table, "tr") if not is_deleted(row)]


def _cells(row: Element) -> Iterator[Element | None]:
    properties = child(row, "trPr")
    yield from [None] * _span(properties, "gridBefore", 0)
    for cell in nearest(row, "tc"):
        yield cell
        yield from [None] * (_span(child(cell, "tcPr"), "gridSpan", 1) - 1)
    yield from [None] * _span(properties, "gridAfter", 0)


def is_deleted(row: Element) -> bool:
    """Whether a tracked change deletes the row."""
    return child(row, "trPr", "del") is not None


def _span(properties: Element | None, name: str, default: int) -> int:
    count = value(properties, name) or ""
    return min(int(count), _MAX_SPAN) if count.isdecimal() else default
