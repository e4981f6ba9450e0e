"""Rows of a page across all its columns, and the cells that wide gaps make in them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.adapters.parsers.local.formats.pdf.words import Line, Word

CELL_GAP = 0.9
"""A wider gap, in sizes of the font, divides cells or columns."""
_SAME_ROW = 0.4


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
    cells: list[list[Word]] = []
    end = size = 0.0
    for word in words:
        if cells and word.x0 - end <= gap * max(word.size, size, 4.0):
            cells[-1].append(word)
            end = max(end, word.x1)
        else:
            cells.append([word])
            end = word.x1
        size = word.size
    return cells


def rows_of(words: Iterable[Word]) -> list[WordRow]:
    """Group words by the height at which they stand, from top to bottom."""
    rows: list[WordRow] = []
    for word in sorted(words, key=lambda word: word.base):
        size = max(word.size, 4.0)
        if rows and word.base - rows[-1].base <= _SAME_ROW * min(size, max(rows[-1].size, 4.0)):
            rows[-1].words.append(word)
        else:
            rows.append(WordRow([word], word.base, word.size))
    for row in rows:
        row.words.sort(key=lambda word: word.x0)
        row.size = max(word.size for word in row.words)
    return rows


def joined_words(words: Iterable[Word]) -> str:
    """The text of a cell."""
    return Line(list(words)).text
