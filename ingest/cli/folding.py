"""Folds texts to a width: at spaces, else after separators, else inside a word."""

import re
from collections.abc import Callable, Sequence

from rich.cells import cell_len

_PIECE = re.compile(r"[^/\\_:=,-]*[/\\_:=,-]+|[^/\\_:=,-]+")
_NARROW, _COMFORTABLE = 8, 30
"""No column gets fewer cells than the first; words up to the second stay whole if there is room."""


def fold(text: str, width: int) -> str:
    """Insert line breaks, so that no line has more cells than the width.

    A word that fits in a line is never broken. A longer one, such as a path or an address, is
    broken after a slash, a dash, an underscore, a comma and the like where it can be.
    """
    if cell_len(text) <= width:
        return text
    lines = [""]
    for word in text.split():
        gap = " " if lines[-1] else ""
        if cell_len(lines[-1] + gap + word) <= width:
            lines[-1] += gap + word
        elif cell_len(word) <= width:
            lines.append(word)
        else:
            _append_pieces(lines, gap, word, width)
    return "\n".join(lines)


def widths(columns: Sequence[Sequence[str]], rigid: Sequence[bool], room: int) -> list[int]:
    """Share the available cells between the columns.

    Args:
        columns: The texts of each column, with its heading.
        rigid: Columns that are never folded.
        room: Cells for all columns together.
    """
    natural = [max(map(cell_len, texts), default=0) for texts in columns]
    pieces = [_widest(texts, _pieces) for texts in columns]
    words = [_widest(texts, str.split) for texts in columns]
    given = [
        full if fixed else min(piece, full, _NARROW)
        for full, piece, fixed in zip(natural, pieces, rigid, strict=True)
    ]
    for wanted in (pieces, [min(word, _COMFORTABLE) for word in words], natural):
        _widen(given, wanted, room)
    return given


def _pieces(text: str) -> list[str]:
    return [piece for word in text.split() for piece in _PIECE.findall(word)]


def _widest(texts: Sequence[str], split: Callable[[str], list[str]]) -> int:
    return max((cell_len(part) for text in texts for part in split(text)), default=0)


def _widen(given: list[int], wanted: Sequence[int], room: int) -> None:
    """Widen columns up to their wanted width, the narrowest first, while there is room."""
    for _ in range(room - sum(given)):
        lacking = [i for i, width in enumerate(given) if width < wanted[i]]
        if not lacking:
            return
        given[min(lacking, key=lambda i: given[i])] += 1


def _append_pieces(lines: list[str], gap: str, word: str, width: int) -> None:
    for piece in _PIECE.findall(word):
        if cell_len(lines[-1] + gap + piece) <= width:
            lines[-1] += gap + piece
        elif cell_len(piece) <= width:
            lines.append(piece)
        else:
            for char in piece:
                if cell_len(lines[-1] + gap + char) <= width or not lines[-1]:
                    lines[-1] += gap + char
                else:
                    lines.append(char)
                gap = ""
        gap = ""
