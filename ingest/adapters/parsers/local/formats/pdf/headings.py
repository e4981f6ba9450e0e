"""Headings: larger or bold lines, and those that the bookmarks name."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ingest.adapters.parsers.local.formats.pdf.lines import TextLine

_SCALE = 1.15
_MAX_SHARE = 0.3
_MAX_BOLD_SHARE = 0.15
_BOLD_SCALE = 0.97
_MAX_CHARS = 200
_MAX_BOOKMARKS = 5_000
_MAX_DEPTH = 15
_CAPTION = re.compile(r"(?:Figure|Fig\.|Table|Tab\.|Abbildung|Tabelle|Listing)\s*\d", re.I)
_FORMULA = re.compile(r"[=<>∀∃∈⊂⊆\u222a∩∑∫≤≥≠±×÷→⇒|{}\\^_~]")
_AUTHORS = re.compile(r"[a-z] ?\d[¶*]? ?,|[a-z] \d[¶*]? and ")
_FIRST = re.compile(r"[\w§¿¡\"'“\u2018«(\[„]")

Style = tuple[float, bool]
"""Size of the font, and whether it is bold."""


def heading_levels(lines: Iterable[TextLine]) -> dict[Style, int]:
    """Levels of the styles that are rare, and larger than most of the text or bold."""
    weights: Counter[Style] = Counter()
    for line in lines:
        weights[line.size, line.bold] += len(line.text)
    sizes: Counter[float] = Counter()
    for (size, _), weight in weights.items():
        sizes[size] += weight
    total = sizes.total()
    body = sizes.most_common(1)[0][0] if total else 0.0
    if not body:
        return {}
    large = {style for style in weights if style[0] > body * _SCALE}
    if sum(weights[style] for style in large) > total * _MAX_SHARE:
        large = set()
    bold = {
        style
        for style in weights
        if style[1] and style not in large and style[0] >= body * _BOLD_SCALE
    }
    if sum(weights[style] for style in bold) > total * _MAX_BOLD_SHARE:
        bold = set()
    order = sorted({size for size, _ in large}, reverse=True)
    levels = {style: min(order.index(style[0]) + 1, 6) for style in large}
    return levels | dict.fromkeys(bold, min(len(order) + 1, 6))


def is_title(lines: Sequence[TextLine]) -> bool:
    """Whether lines of a heading's style are a heading, not an address, a formula or a caption."""
    title = " ".join(line.text for line in lines)
    letters = sum(map(str.isalpha, title))
    visible = sum(not char.isspace() for char in title)
    if len(title) > _MAX_CHARS or letters < 0.5 * visible or letters < 2:
        return False
    if "@" in title or "://" in title or title.endswith((",", ";")):
        return False
    if not _FIRST.match(title) or _FORMULA.search(title[:1]):
        return False
    if len(_FORMULA.findall(title)) > 1 and lines[0].size and len(title) < 60:
        return False
    if any(line.pieces > 2 for line in lines):
        return False
    if not lines[0].bold:
        return True
    listed = title.count(",") > 2 or _AUTHORS.search(title) is not None
    return not listed and not title[0].islower() and not _CAPTION.match(title)


def bookmark_titles(document: Any) -> dict[int, dict[str, int]]:
    """Titles of bookmarks by page, from 0, with their levels from 1."""
    titles: dict[int, dict[str, int]] = {}
    for count, bookmark in enumerate(document.get_toc(max_depth=_MAX_DEPTH)):
        if count >= _MAX_BOOKMARKS:
            break
        target = bookmark.get_dest()
        page = target.get_index() if target is not None else None
        if page is not None:
            titles.setdefault(page, {})[plain(bookmark.get_title())] = bookmark.level + 1
    return titles


def plain(text: str) -> str:
    """Letters and digits only, in small letters, to compare titles."""
    return "".join(filter(str.isalnum, text)).casefold()
