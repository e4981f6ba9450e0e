"""Finds the tables of a sheet: blocks of rows, without the empty columns around them."""

import re
from collections.abc import Iterable, Iterator

from ingest.adapters.parsers.local.formats.xlsx.cells import Row

_MAX_GAP = 3
"""Most empty columns that are kept between two filled ones."""
_NUMBER = re.compile(r"[-+(]?[^\w\s]?\s?\d[\d.,:/%\s()-]*(?:E[+-]?\d+)?\W*|TRUE|FALSE")


def tables(rows: Iterable[tuple[int, Row]]) -> Iterator[list[list[str]]]:
    """Split the rows of a sheet into tables; a single cell above a table is its caption.

    Two or more blank rows end a table. A single one only does when the rows after it stand in other
    columns, or begin with names although those before had numbers: it may be a gap for the eye.
    """
    block: list[Row] = []
    last = 0
    for number, row in rows:
        gap = number - last - 1
        caption = len(block) == 1 and len(block[0]) == 1 and len(row) > 1
        if block and (caption or (gap and (gap > 1 or _begins_table(block, row)))):
            yield _grid(block)
            block = []
        block.append(row)
        last = number
    if block:
        yield _grid(block)


def _begins_table(block: list[Row], row: Row) -> bool:
    head = block[0]
    if min(row) != min(head) or len(row) > len(head):
        return True
    if len(row) < 2 or any(map(_NUMBER.fullmatch, row.values())):
        return False
    return any(_NUMBER.fullmatch(text) for text in block[-1].values())


def _grid(block: list[Row]) -> list[list[str]]:
    used: set[int] = set()
    for row in block:
        used |= row.keys()
    columns: list[int] = []
    for column in sorted(used):
        gap = column - columns[-1] - 1 if columns else 0
        if gap:
            columns += [-1] * (gap if gap <= _MAX_GAP else 1)
        columns.append(column)
    return [[row.get(column, "") for column in columns] for row in block]
