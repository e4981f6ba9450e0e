"""Heads and feet that are the same on several pages, and page numbers."""

import re
from collections import defaultdict
from collections.abc import Sequence

from ingest.adapters.parsers.local.formats.pdf.lines import TextLine

_ZONE = 0.13
_MIN_PAGES = 3
_MAX_LINES = 5
_NEAR = 4.0
_DIGITS = re.compile(r"\b\d+\b")
_ROMAN = re.compile(r"^[\W_]*[ivxlcIVXLC]{1,7}[\W_]*$")

Place = tuple[int, int]
"""Page and line, both from 0."""


def running_lines(pages: Sequence[tuple[float, Sequence[TextLine | None]]]) -> set[Place]:
    """Lines to leave out: heads, feet and page numbers.

    One that holds digits, and is exactly the same everywhere, such as a number of a contract, is
    kept where it comes first.

    Args:
        pages: The height of each page and its lines; None stands for something else.
    """
    if len(pages) < _MIN_PAGES:
        return set()
    found: set[Place] = set()
    for upper in (True, False):
        edges = [_edge(height, lines, upper=upper) for height, lines in pages]
        found |= _repeated(edges, pages)
    return found


def _edge(height: float, lines: Sequence[TextLine | None], *, upper: bool) -> list[int]:
    """Lines near the upper or the lower edge, the outermost first."""
    near = [
        (line.base if upper else -line.base, at)
        for at, line in enumerate(lines)
        if line is not None
        and (line.base < _ZONE * height if upper else line.base > (1 - _ZONE) * height)
    ]
    return [at for _, at in sorted(near)[:_MAX_LINES]]


def _key(text: str) -> str:
    if _ROMAN.match(text):
        return "#"
    return _DIGITS.sub("#", text)


def _repeated(
    edges: Sequence[list[int]], pages: Sequence[tuple[float, Sequence[TextLine | None]]]
) -> set[Place]:
    repeated: set[Place] = set()
    kept: set[Place] = set()
    for group in _groups(edges, pages):
        if not _is_regular(sorted({page for (page, _), _ in group})):
            continue
        repeated |= {place for place, _ in group}
        texts = {text for _, text in group}
        if len(texts) == 1 and any(map(str.isdigit, next(iter(texts)))):
            kept.add(group[0][0])
    found: set[Place] = set()
    for page, edge in enumerate(edges):
        for at in edge:
            if (page, at) not in repeated:
                break
            found.add((page, at))
    return found - kept


def _groups(
    edges: Sequence[list[int]], pages: Sequence[tuple[float, Sequence[TextLine | None]]]
) -> list[list[tuple[Place, str]]]:
    """Lines that are the same but for numbers, at nearly the same height."""
    groups: dict[tuple[str, int], list[tuple[Place, str]]] = defaultdict(list)
    for page, edge in enumerate(edges):
        for at in edge:
            line = pages[page][1][at]
            if line is not None:
                key = _key(line.text)
                for step in (0, 1):
                    height = round(line.base / _NEAR) + step
                    groups[key, height].append(((page, at), line.text))
    return list(groups.values())


def _is_regular(pages: list[int]) -> bool:
    """Whether a line comes on three pages that lie near each other."""
    return len(pages) >= _MIN_PAGES and any(
        last - first <= 4 for first, last in zip(pages, pages[2:], strict=False)
    )
