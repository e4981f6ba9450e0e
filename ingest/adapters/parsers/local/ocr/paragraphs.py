"""Lines of recognized text become paragraphs."""

import itertools
import re

_BLANK_LINES = re.compile(r"\n\s*\n")
_HYPHENED = re.compile(r"(\w+)-\n(\w+)")
_BULLET = re.compile(r"(?:[•◦▪‣\u2013*+-]|[(]?\w{1,2}[.)])\s")
_FULL_SHARE = 0.8
"""A line at least this long, relative to the longest of its page, ends at the margin."""
_MIN_FULL_CHARS = 40


def paragraphs(text: str) -> list[str]:
    """Paragraphs without the line breaks of the page.

    A break is kept after a short line, after the end of a sentence and before an item of a list.
    """
    blocks = [
        [" ".join(line.split()) for line in block.split("\n") if line.strip()]
        for block in _BLANK_LINES.split(text.replace("\f", "\n\n"))
    ]
    longest = max((len(line) for block in blocks for line in block), default=0)
    full = max(_MIN_FULL_CHARS, _FULL_SHARE * longest)
    return [_joined(block, full, text) for block in blocks if block]


def _joined(lines: list[str], full: float, page: str) -> str:
    out = lines[0]
    for last, line in itertools.pairwise(lines):
        wrapped = len(last) >= full and last[-1] not in ".!?:" and not _BULLET.match(line)
        if wrapped and _HYPHENED.search(f"{last}\n{line}"):
            out = _without_hyphen(out, line, page)
        else:
            out += (" " if wrapped else "\n") + line
    return out


def _without_hyphen(before: str, after: str, page: str) -> str:
    """Join a word that a line break divided; a compound keeps its hyphen."""
    first = re.split(r"\W", before[:-1])[-1]
    second = re.split(r"\W", after, maxsplit=1)[0]
    compound = f"{first}-{second}".casefold() in page.casefold()
    if compound or not second[0].islower() or not first.isalpha():
        return before + after
    return before[:-1] + after
