"""Writes the rows of sheets and of tables of text."""

from collections.abc import Iterable, Sequence

from ingest.adapters.parsers.local.draft import Draft


def write_rows(
    rows: Iterable[Sequence[str]], draft: Draft, *, split_at_blank_rows: bool = False
) -> None:
    """Write tables, whose first row is the head; rows of one cell above it are text.

    Args:
        rows: All rows; they may differ in width.
        draft: Gets the tables.
        split_at_blank_rows: Whether each blank row ends a table. Else only one does that stands
            before rows of another width.
    """
    block: list[Sequence[str]] = []
    blank = False
    for row in rows:
        cells = _trimmed(row)
        if not cells:
            blank = True
            continue
        if blank and block and (split_at_blank_rows or len(cells) != len(block[-1])):
            _write_block(block, draft)
            block = []
        block.append(cells)
        blank = False
    _write_block(block, draft)


def column_name(number: int) -> str:
    """The letters of a column of a sheet; the first one is number 0."""
    letters = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


def without_blank_columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Leave out columns without any value: a far cell must not make rows of thousands."""
    used = sorted({place for row in rows for place, cell in enumerate(row) if cell.strip()})
    return [[row[place] if place < len(row) else "" for place in used] for row in rows]


def _trimmed(row: Sequence[str]) -> Sequence[str]:
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _write_block(rows: list[Sequence[str]], draft: Draft) -> None:
    width = max(map(len, rows), default=0)
    at = 0
    while width > 1 and at < len(rows) and len(rows[at]) == 1:
        draft.add(" ".join(rows[at][0].split()))
        at += 1
    draft.add_table(rows[at:])
