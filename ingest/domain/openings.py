"""What stands once at the start of a block and is meant for all its parts.

The columns of a table, the language of code, and the sentence that leads to a list.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.domain.embedded_text import RULE_ROW, cells_of, is_rule_row, words_of
from ingest.domain.fences import Fence, enclosing, fences

MAX_OPENING_CHARS = 720
"""Of all the lines for one place."""
_MAX_NAMES_CHARS = 480
_MAX_LEAD_CHARS = 240
_LEAST_NAME_CHARS = 8
_MOST_ROW_CHARS = 10_000
_ROWS = re.compile(r"(?:\n[^\n|]*\|[^\n]*)*")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]")
_COLONS = (":", "\uff1a")
_LEADS_TO_ITEM = tuple(
    re.compile(rf"{colon}[*_]{{0,3}}[ \t]*\n(?:[ \t]*\n)?(?=[ \t]*(?:[-*+•]|\d{{1,3}}[.)])[ \t])")
    for colon in _COLONS
)
_NUMBER = re.compile(r"[^\w(]*\(?[\d.,]*\d")
_SENTENCE_END = re.compile("[.!?][\"')\\]]?[ \n]|[\u3002\uff01\uff1f]")


@dataclass(slots=True)
class Opening:
    """The start of one block."""

    words: str
    start: int
    """First character of the block's parts that do not hold the words."""
    end: int
    fence: Fence | None = None
    """Of a block of code."""
    outer: "Opening | None" = field(default=None, repr=False)
    """The block around it."""


class Openings:
    """Finds what the block that a place is in says at its start."""

    def __init__(self, text: str) -> None:
        self._text = text
        blocks = list(fences(text))
        found = [_of_fence(text, fence) for fence in blocks]
        if "|" in text:
            found += _outside(blocks, _tables(text))
        found += _outside(blocks, _lists(text))
        found.sort(key=lambda opening: opening.start)
        self._found = found
        self._starts = [opening.start for opening in found]
        _nest(found)

    def at(self, char: int) -> str:
        """The words for a passage that starts here, in up to three lines; often none."""
        at = bisect_right(self._starts, char) - 1
        opening = self._found[at] if at >= 0 else None
        lines: list[str] = []
        left = MAX_OPENING_CHARS
        while opening is not None and left > 0:
            if char < opening.end:
                words = self._words(opening, char)[:left]
                left -= len(words) + 1
                lines[:0] = [words] if words else []
            opening = opening.outer
        return "\n".join(lines)

    def _words(self, opening: Opening, char: int) -> str:
        if opening.fence is None:
            return opening.words
        around = enclosing(self._text, opening.fence, char, most=_MAX_LEAD_CHARS)
        return "\n".join(part for part in (opening.words, *around) if part)


def _nest(found: list[Opening]) -> None:
    """Name the block around each one; they are in order of their starts."""
    around: list[Opening] = []
    for opening in found:
        while around and around[-1].end <= opening.start:
            around.pop()
        opening.outer = around[-1] if around else None
        around.append(opening)


def _outside(blocks: list[Fence], found: Iterator[Opening]) -> Iterator[Opening]:
    """Those that are not in code."""
    starts = [fence.start for fence in blocks]
    for opening in found:
        at = bisect_right(starts, opening.start) - 1
        if at < 0 or opening.start >= blocks[at].end:
            yield opening


def _of_fence(text: str, fence: Fence) -> Opening:
    lead = _lead_before(text, fence.start)
    words = "\n".join(part for part in (lead, fence.language) if part)
    return Opening(words, fence.body_start, fence.body_end, fence)


def _tables(text: str) -> Iterator[Opening]:
    """Markdown tables: the names of the columns."""
    end = 0
    for rule in RULE_ROW.finditer(text):
        line = rule[0].rstrip("\n")
        if rule.start() < end or not is_rule_row(line):
            continue
        head_end = max(rule.start() - 1, 0)
        head_start = text.rfind("\n", 0, head_end) + 1
        head = text[head_start:head_end]
        rows = _ROWS.match(text, rule.start() + len(line))
        if "|" in head and rows is not None:
            lead = _lead_before(text, head_start)
            below = text[rule.end() : min(rows.end(), rule.end() + _MOST_ROW_CHARS)]
            words = "\n".join(
                part for part in (lead, _names(head), _second_head(head, below)) if part
            )
            end = rows.end()
            yield Opening(words, head_start + 1, end)


def _second_head(head: str, rows: str) -> str:
    """The row below a head that is mostly empty, as a title or names of groups are."""
    upper, lower = _cells(head), _cells(rows.split("\n", 1)[0])
    is_title = len(upper) > 2 and sum(map(bool, upper)) * 2 <= len(upper)
    is_head = sum(map(bool, lower)) * 2 > len(upper) and not any(map(_NUMBER.match, lower))
    return _cut_names(lower) if is_title and is_head else ""


def _cells(row: str) -> list[str]:
    return [" ".join(cell.split()) for cell in row.strip().strip("|").split("|")]


def _names(head: str) -> str:
    """The columns; names that are too long together are shortened, so that each one is there."""
    words = words_of(cells_of(head))
    if len(words) <= _MAX_NAMES_CHARS:
        return words
    return _cut_names(_cells(head))


def _cut_names(cells: list[str]) -> str:
    words = " ".join(filter(None, cells))
    if len(words) <= _MAX_NAMES_CHARS:
        return words
    share = max(_MAX_NAMES_CHARS // len(cells) - 1, _LEAST_NAME_CHARS)
    return " ".join(cell[:share].rstrip() for cell in cells if cell)[:_MAX_NAMES_CHARS].rstrip()


def _lists(text: str) -> Iterator[Opening]:
    """Lists after a sentence that ends with a colon; lists in lists, too."""
    found = (lead for pattern in _LEADS_TO_ITEM for lead in pattern.finditer(text))
    leads = {lead.end(): lead.start() + 1 for lead in found if _is_above(text, lead)}
    read = 0
    for start in sorted(leads):
        if start >= read:
            lists, read = _lists_from(text, start, leads)
            yield from lists


def _is_above(text: str, lead: re.Match[str]) -> bool:
    """Whether the line leads to the item, and is not an item of the same list."""
    start = text.rfind("\n", 0, lead.start()) + 1
    return not _ITEM.match(text, start) or _indent(text, start) < _indent(text, lead.end())


def _lists_from(text: str, at: int, leads: dict[int, int]) -> tuple[list[Opening], int]:
    """The list that starts here and those in it, and where it ends.

    A list ends at a line that is less indented than its items, or, after an empty line, at one that
    is no item.
    """
    found: list[Opening] = []
    open_lists: list[tuple[int, Opening]] = []
    after_blank = False
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        indent = _indent(text, at)
        if at + indent < end:
            ends_here = after_blank and _ITEM.match(text, at, end) is None
            is_lead = at in leads
            while open_lists and indent < open_lists[-1][0] + (ends_here or is_lead):
                open_lists.pop()[1].end = at
            if is_lead:
                opening = Opening(_sentence(text, leads[at]), at, len(text))
                open_lists.append((indent, opening))
                found.append(opening)
            if not open_lists:
                break
        after_blank = at + indent >= end
        at = end + 1
    return [opening for opening in found if opening.words], at


def _indent(text: str, start: int) -> int:
    at = start
    while at < len(text) and text[at] in " \t":
        at += 1
    return at - start


def _lead_before(text: str, start: int) -> str:
    """The sentence that ends with a colon right before a block; often none."""
    end = start
    while end and text[end - 1] in " \t\n" and start - end < _LEAST_NAME_CHARS:
        end -= 1
    return _sentence(text, end) if end and text[end - 1] in _COLONS else ""


def _sentence(text: str, end: int) -> str:
    """The sentence that ends here, without the marks of a heading or a list."""
    start = max(end - _MAX_LEAD_CHARS, 0)
    start = max(text.rfind("\n\n", start, end), start)
    piece = text[start:end]
    if start and not piece.startswith("\n"):
        piece = piece[piece.find(" ") + 1 :]  # a word that was cut
    begun = [match.end() for match in _SENTENCE_END.finditer(piece)]
    lines = (piece[begun[-1] :] if begun else piece).split("\n")
    items = [at for at, line in enumerate(lines) if _ITEM.match(line)]
    words = " ".join(lines[items[-1] if items else 0 :])
    return _without_marks(words)


def _without_marks(words: str) -> str:
    item = _ITEM.match(words)
    words = words[item.end() :] if item else words
    return " ".join(words.replace("**", "").strip("#> \t").split())
