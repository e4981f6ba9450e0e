"""The numbers of DrawingML's numbered paragraphs, which are in no text of the file."""

import re

from ingest.adapters.parsers.local.formats.numerals import MAX_ROMAN, repeated_letter, roman
from ingest.adapters.parsers.local.formats.trees import Element, child, local_name

_SCHEME = re.compile(r"(alpha|roman)?(Lc|Uc)?.*?(ParenBoth|ParenR|Period|Plain|Minus)?", re.A)
_FRAMES = {"ParenBoth": "({})", "ParenR": "{})", "Plain": "{}", "Minus": "-{}-"}
"""ST_TextAutonumberScheme; all others are followed by a period."""
_BULLETS = frozenset({"buAutoNum", "buChar", "buNone", "buBlip"})
_MOST_LEVELS = 9


class AutoNumbers:
    """Counts the paragraphs of one text body."""

    def __init__(self, styles: Element | None) -> None:
        """Begin before the first paragraph; ``styles`` is the body's lstStyle."""
        self._styles = styles
        self._counts: list[tuple[str, int]] = []
        """The scheme and the last number of each level."""

    def label(self, paragraph: Element) -> str:
        """The number of the next paragraph, which has a text; empty if it has none."""
        own = child(paragraph, "pPr")
        level = _number(own, "lvl", 0, most=_MOST_LEVELS - 1)
        bullet = _bullet(own)
        if bullet is None and self._styles is not None:
            bullet = _bullet(child(self._styles, f"lvl{level + 1}pPr"))
        del self._counts[level + 1 :]
        if bullet is None or local_name(bullet) != "buAutoNum":
            del self._counts[level:]
            return ""
        scheme, first = bullet.get("type") or "", _number(bullet, "startAt", 1, most=32_767)
        self._counts += [("", 0)] * (level + 1 - len(self._counts))
        before, count = self._counts[level]
        count = count + 1 if before == f"{scheme} {first}" else first
        self._counts[level] = f"{scheme} {first}", count
        return _written(scheme, count)


def _bullet(properties: Element | None) -> Element | None:
    parts = () if properties is None else properties
    return next((part for part in parts if local_name(part) in _BULLETS), None)


def _number(element: Element | None, name: str, default: int, *, most: int) -> int:
    text = "" if element is None else element.get(name) or ""
    return min(int(text), most) if text.isascii() and text.isdecimal() else default


def _written(scheme: str, count: int) -> str:
    found = _SCHEME.fullmatch(scheme)
    kind, size, frame = found.groups() if found else (None, None, None)
    text = str(count)
    if kind == "alpha" and count:
        text = repeated_letter(count)
    elif kind == "roman" and 0 < count <= MAX_ROMAN:
        text = roman(count)
    return _FRAMES.get(frame or "", "{}.").format(text.upper() if size == "Uc" else text)
