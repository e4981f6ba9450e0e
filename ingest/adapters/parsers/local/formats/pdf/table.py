"""A table that was found on a page."""

from dataclasses import dataclass
from itertools import pairwise

from ingest.adapters.parsers.local.formats.pdf.words import Word


@dataclass(slots=True)
class Table:
    """Cells, and the words that they hold."""

    rows: list[list[str]]
    words: list[Word]
    box: tuple[float, float, float, float]
    """Left, top, right and bottom on the page as it is shown."""


_TIGHT = 1.3
_EVEN = 1.2


def merge_rows(rows: list[list[str]], bases: list[float]) -> list[list[str]]:
    """Join the lines of cells that are wrapped.

    A line goes to the row above when it stands near it, has fewer cells, and has none where
    the row has none; or when all but its first cell is empty, and it goes on in small letters.
    """
    pitches = sorted(after - before for before, after in pairwise(bases))
    if not pitches:
        return rows
    tight = pitches[0] * _TIGHT
    uneven = pitches[-1] > pitches[0] * _EVEN
    merged: list[list[str]] = []
    for at, row in enumerate(rows):
        near = at > 0 and bases[at] - bases[at - 1] <= tight
        if merged and near and _goes_on(merged[-1], row, uneven=uneven):
            merged[-1] = [
                f"{past} {more}".strip() if more else past
                for past, more in zip(merged[-1], row, strict=True)
            ]
        else:
            merged.append(list(row))
    return merged


def _goes_on(past: list[str], row: list[str], *, uneven: bool) -> bool:
    filled = [at for at, cell in enumerate(row) if cell]
    if not filled:
        return True
    before = sum(map(bool, past))
    if past[0] and before == 1 and row[0] and len(filled) > 1:
        return row[0][0].islower()
    if len(filled) >= before or any(not past[at] for at in filled):
        return False
    if any(_is_number(row[at]) for at in filled):
        return False
    if row[0] and len(filled) == 1:
        return row[0][0].islower() or row[0][0] in "(/&"
    return not row[0] or uneven


def _is_number(text: str) -> bool:
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))
