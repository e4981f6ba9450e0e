"""Rows of a page across all its columns, and the cells that wide gaps make in them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from ingest.adapters.parsers.local.formats.pdf.words import Line, Word

CELL_GAP = 0.9
"""A wider gap, in sizes of the font, divides cells or columns."""
_SAME_ROW = 0.4
_BASE, _LEFT, _SIZE = attrgetter("base"), attrgetter("x0"), attrgetter("size")


@dataclass(slots=True)
class WordRow:
    """Words whose letters stand at one height, from left to right."""

    words: list[Word]
    base: float
    size: float
    _cells: dict[float, list[list[Word]]] = field(default_factory=dict)

    def cells(self, gap: float = CELL_GAP) -> list[list[Word]]:
        """Words that wide gaps divide; the words must not change any more."""
        if gap not in self._cells:
            self._cells[gap] = split_words(self.words, gap)
        return self._cells[gap]


def split_words(words: list[Word], gap: float = CELL_GAP) -> list[list[Word]]:
    """Divide words from left to right where a gap is wider than some sizes of the font."""
    if not words:
        return []
    cell = [words[0]]
    cells = [cell]
    end, size = words[0].x1, words[0].size
    for word in words[1:]:
        # The gap itself first: most gaps are narrow, whatever the sizes are.
        free = word.x0 - end
        if free <= gap * 4.0 or free <= gap * max(word.size, size):
            cell.append(word)
            if word.x1 > end:
                end = word.x1
        else:
            cell = [word]
            cells.append(cell)
            end = word.x1
        size = word.size
    return cells


def rows_of(words: Iterable[Word]) -> list[WordRow]:
    """Group words by the height at which they stand, from top to bottom."""
    rows: list[WordRow] = []
    row = None
    for word in sorted(words, key=_BASE):
        if row is not None:
            below = word.base - row.base
            if below <= _SAME_ROW * 4.0 or below <= _SAME_ROW * min(word.size, row.size):
                row.words.append(word)
                continue
        row = WordRow([word], word.base, word.size)
        rows.append(row)
    for row in rows:
        if len(row.words) > 1:
            row.words.sort(key=_LEFT)
            row.size = max(map(_SIZE, row.words))
    return rows


def joined_words(words: Iterable[Word]) -> str:
    """The text of a cell."""
    return Line(list(words)).text
