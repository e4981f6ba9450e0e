"""HTML tables: which ones hold data, and cells that span rows and columns."""

from dataclasses import dataclass

from ingest.adapters.parsers.local.formats.trees import Element

_HEADINGS = tuple(f"{{*}}h{level}" for level in range(1, 7))
_NEVER_IN_CELLS = ("{*}table", *_HEADINGS)
_SELDOM_IN_CELLS = ("{*}ul", "{*}ol", "{*}pre")
_MAX_SPAN = 1000
"""As in the HTML standard."""


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
    placed: list[dict[int, str]] = []
    width = 0
    covered: dict[int, tuple[int, Cell, int]] = {}
    for row in rows:
        line: dict[int, str] = {}
        for column, (left, cell, first) in list(covered.items()):
            line[column] = cell.text if column == first or cell.is_head else ""
            covered[column] = (left - 1, cell, first)
            if left == 1:
                del covered[column]
        column = 0
        for cell in row:
            while column in line:
                column += 1
            first = column
            width = max(width, first + 1)
            for _ in range(cell.columns):
                if column in line:
                    break
                line[column] = cell.text if column == first or cell.is_head else ""
                if cell.rows > 1:
                    covered[column] = (cell.rows - 1, cell, first)
                column += 1
        placed.append(line)
    return [[line.get(column, "") for column in range(width)] for line in placed]


def _span(text: str | None) -> int:
    digits = (text or "1").strip()
    return min(int(digits), _MAX_SPAN) if digits.isascii() and digits.isdigit() else 1
