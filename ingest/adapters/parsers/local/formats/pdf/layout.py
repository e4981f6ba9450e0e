"""Finds the tables of a page, and puts its lines into the order of reading."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ingest.adapters.parsers.local.formats.pdf.aligned import aligned_tables
from ingest.adapters.parsers.local.formats.pdf.grid import ruled_tables
from ingest.adapters.parsers.local.formats.pdf.lines import TextLine, text_line
from ingest.adapters.parsers.local.formats.pdf.order import in_order
from ingest.adapters.parsers.local.formats.pdf.rows import CELL_GAP
from ingest.adapters.parsers.local.formats.pdf.rulings import Rulings, read_rulings
from ingest.adapters.parsers.local.formats.pdf.spaced import joined_letters
from ingest.adapters.parsers.local.formats.pdf.table import FoundTable
from ingest.adapters.parsers.local.formats.pdf.words import (
    Line,
    Mend,
    PageReader,
    place_of,
)

_SIDES_OF_TWO_COLUMNS = 3


def find_tables(lines: Sequence[Line], rulings: Rulings) -> list[FoundTable]:
    """Ruled tables first, then those of aligned cells among the other words."""
    words = [word for line in lines for word in line.words]
    tables = ruled_tables(words, rulings)
    taken = {id(word) for table in tables for word in table.words}
    rest = [word for word in words if id(word) not in taken]
    return tables + aligned_tables(rest, rulings)


def read_pieces(
    page: Any, textpage: Any, mend: Mend
) -> tuple[float, list[TextLine | list[list[str]]]]:
    """Read the height of a page, and its lines and tables in the order of reading."""
    place = place_of(page)
    lines = PageReader(textpage, place).lines(mend)
    for line in lines:
        if not line.turned:
            line.words = joined_letters(line.words)
    tables: list[FoundTable] = []
    by_gaps = _may_hold_tables(lines)
    rulings = read_rulings(page, place) if lines else Rulings()
    if by_gaps or (len(rulings.across) > 1 and len(rulings.down) >= _SIDES_OF_TWO_COLUMNS):
        upright = [line for line in lines if not line.turned]
        tables = find_tables(upright, rulings)
        taken = {id(word) for table in tables for word in table.words}
        for line in lines:
            line.words = [word for word in line.words if id(word) not in taken]
        lines = [line for line in lines if line.words]
    return place.height, [
        text_line(piece) if isinstance(piece, Line) else piece.rows
        for piece in in_order(lines, tables, place.height)
    ]


def _may_hold_tables(lines: Sequence[Line]) -> bool:
    """Whether some lines have wide gaps, or are short and stand beside others."""
    gaps = sum(line.gaps(CELL_GAP) > 0 for line in lines)
    if gaps >= 2:
        return True
    beside = sum(
        abs(after.base - before.base) < 1 and after.x0 > before.x1
        for before, after in pairwise(lines)
    )
    if gaps + beside >= 2:
        return True
    bases = Counter(round(line.base) for line in lines)
    return sum(count > 1 for count in bases.values()) >= 2
