"""HTML tables: which ones hold data, and cells that span rows and columns."""

from dataclasses import dataclass

from ingest.adapters.parsers.local.formats.trees import Element

_HEADINGS = tuple(f"{{*}}h{level}" for level in range(1, 7))
_NEVER_IN_CELLS = ("{*}table", *_HEADINGS)
_SELDOM_IN_CELLS = ("{*}ul", "{*}ol", "{*}pre")
_MAX_SPAN = 1000
"""As in the HTML standard."""
_MOST_COPIES = 16
_FREE_CELLS = 10_000
_MAX_CELLS = 2_000_000
"""Spans that would make a larger table are not followed."""


@dataclass(slots=True)
class Cell:
    """A cell, and how many rows and columns it covers."""

    text: str
    columns: int
    rows: int
    is_head: bool

    @classmethod
    def of(cls, element: Element, *, is_head: bool) -> "Cell":
        """A cell without its text; a span of 0 rows goes to the end."""
        rows = _span(element.get("rowspan"))
        return cls("", max(1, _span(element.get("colspan"))), rows or _MAX_SPAN, is_head)

    def text_in(self, column: int, first: int) -> str:
        """The text that one of its columns shows."""
        return self.text if column == first or self.is_head else ""


@dataclass(slots=True)
class _Covering:
    """A cell that covers a column of the rows below it."""

    cell: Cell
    first: int
    rows: int
    """How many more rows it covers."""


def layout_tables(root: Element) -> set[Element]:
    """Find tables that are used for layout: they contain blocks that data cells do not have."""
    found: set[Element] = set()
    for element in root.iter(*_NEVER_IN_CELLS):
        for table in element.iterancestors("{*}table"):
            if table in found:
                break
            found.add(table)
    for element in root.iter(*_SELDOM_IN_CELLS):
        around = next(element.iterancestors("{*}table"), None)
        if around is not None and next(around.iter("{*}th"), None) is None:
            found.add(around)
    for table in root.iter("{*}table"):
        if (table.get("role") or "").lower() in {"presentation", "none"}:
            found.add(table)
    return found


def grid(rows: list[list[Cell]]) -> list[list[str]]:
    """Put the cells into rows of equal length.

    A cell that spans rows is repeated in each, and a head over several columns in each, so that
    every row can be read alone. Other cells stand in the first of their columns.
    """
    if all(cell.columns == cell.rows == 1 for row in rows for cell in row):
        return [[cell.text for cell in row] for row in rows]
    most = max(map(len, rows))
    budget = _MOST_COPIES * sum(map(len, rows)) + _FREE_CELLS
    placed: list[dict[int, str]] = []
    width = 0
    covered: dict[int, _Covering] = {}
    for row in rows:
        line, last = _placed(row, covered, most)
        placed.append(line)
        width = max(width, last + 1)
        budget -= len(line)
        if budget < 0 or len(placed) * width > _MAX_CELLS:
            return [[cell.text for cell in row] for row in rows]
    return [[line.get(column, "") for column in range(width)] for line in placed]


def _placed(
    row: list[Cell], covered: dict[int, "_Covering"], most: int
) -> tuple[dict[int, str], int]:
    """The texts of a row by column, and the last column in which a cell of its own begins."""
    line: dict[int, str] = {}
    for column, above in list(covered.items()):
        line[column] = above.cell.text_in(column, above.first)
        above.rows -= 1
        if not above.rows:
            del covered[column]
    column = last = 0
    for cell in row:
        while column in line:
            column += 1
        first = last = column
        # No cell covers more columns than the longest row has cells.
        for _ in range(min(cell.columns, most)):
            if column in line:
                break
            line[column] = cell.text_in(column, first)
            if cell.rows > 1:
                covered[column] = _Covering(cell, first, cell.rows - 1)
            column += 1
    return line, last


def _span(text: str | None) -> int:
    digits = (text or "1").strip()
    return min(int(digits), _MAX_SPAN) if digits.isascii() and digits.isdigit() else 1
