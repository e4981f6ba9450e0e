"""A table that was found on a page."""

from dataclasses import dataclass
from itertools import pairwise

from ingest.adapters.parsers.local.formats.pdf.judgement import is_number
from ingest.adapters.parsers.local.formats.pdf.words import Word


@dataclass(slots=True)
class FoundTable:
    """Cells, and the words that they hold."""

    rows: list[list[str]]
    words: list[Word]
    box: tuple[float, float, float, float]
    """Left, top, right and bottom on the page as it is shown."""


_TIGHT = 1.3
_EVEN = 1.2
_SAME_LINE = 0.75
_LOWER_SHARE = 0.6


def merge_rows(rows: list[list[str]], bases: list[float], size: float) -> list[list[str]]:
    """Join the lines of cells that are wrapped.

    Args:
        rows: One for each line, with a text for each column.
        bases: Where each stands.
        size: Of the font: lines of one cell are not nearer to each other than this.
    """
    pitches = sorted(
        gap for before, after in pairwise(bases) if (gap := after - before) > _SAME_LINE * size
    )
    tight = pitches[0] * _TIGHT if pitches else 0.0
    uneven = bool(pitches) and pitches[-1] > pitches[0] * _EVEN
    merged: list[list[str]] = []
    for at, row in enumerate(rows):
        gap = bases[at] - bases[at - 1] if at else 0.0
        staggered = gap <= _SAME_LINE * size
        if merged and (staggered or (gap <= tight and _goes_on(merged[-1], row, uneven=uneven))):
            merged[-1] = [
                f"{past} {more}".strip() if more else past
                for past, more in zip(merged[-1], row, strict=True)
            ]
        else:
            merged.append(list(row))
    return merged


def _goes_on(past: list[str], row: list[str], *, uneven: bool) -> bool:
    """Whether a line near the one above it belongs to the same row."""
    filled = [at for at, cell in enumerate(row) if cell]
    if not filled:
        return True
    before = sum(map(bool, past))
    if past[0] and before == 1 and row[0] and len(filled) > 1:
        return row[0][0].islower()
    if any(is_number(row[at]) for at in filled):
        return False
    lower = sum(row[at][0].islower() or row[at][0] in "(/&" for at in filled)
    if lower >= _LOWER_SHARE * len(filled) and (row[0] or before > 1):
        return all(past[at] for at in filled)
    if len(filled) >= before or any(not past[at] for at in filled):
        return False
    return uneven if row[0] else True
