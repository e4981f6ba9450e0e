"""Long parts of a text that hold no words: encoded data, and the marks of empty tables.

No passage holds them. Without this rule, a picture inside the text or one stray cell in the last
column of a sheet would become thousands of chunks.
"""

import re
from collections.abc import Iterator

from ingest.domain.embedded_text import DATA_URI, ENCODED, MIXED

LEAST_WORDLESS_CHARS = 2_000
"""A part that is at least this long is not cut into passages."""

# A run is looked at from its start only: what is in front of it is not of its kind.
_URL_SAFE = re.compile(rf"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{{{LEAST_WORDLESS_CHARS},}}={{0,2}}")
_HEX = re.compile(rf"(?<![0-9a-fA-F])[0-9a-fA-F]{{{LEAST_WORDLESS_CHARS},}}")
_HEX_MIXED = re.compile(r"[0-9]+[a-fA-F]|[a-fA-F]+[0-9]")
_MARK = r"[\s|:=+.*~#\u2500-\u257f-]"
_MARKS = re.compile(rf"(?<!{_MARK}){_MARK}{{{LEAST_WORDLESS_CHARS},}}")
_WORD = re.compile(r"\w")
_BLANK = re.compile(r"\s")
_STEP = LEAST_WORDLESS_CHARS // 2
_LINE_CHARS = range(60, 129)
"""Length of a line of Base64 in mails, certificates and notebooks: 64 or 76."""
_ENCODED_LINE = re.compile(r"[ \t>]*[A-Za-z0-9+/]+={0,2}[ \t\r]*")
_EMPTY_CELLS = re.compile(r"[\s|:-]*\|[\s|:-]*")


def wordless(text: str) -> Iterator[tuple[int, int]]:
    """Where these parts begin and end, in order."""
    end = 0
    for left, right in sorted([*_encoded(text), *_marks(text)]):
        if left >= end:
            yield left, right
            end = right


def is_empty_table(passage: str) -> bool:
    """Whether there are only empty cells in it."""
    return "|" in passage and _EMPTY_CELLS.fullmatch(passage) is not None


def _encoded(text: str) -> Iterator[tuple[int, int]]:
    """Long lines, and many lines of one length, that hold encoded data."""
    at = begun = 0
    in_block = False
    for line in text.split("\n"):
        size = len(line)
        if size >= LEAST_WORDLESS_CHARS:
            yield from _in_line(line, at)
        is_wide = size in _LINE_CHARS and line.find(" ", 4) < 0
        is_encoded = (is_wide or in_block) and bool(_ENCODED_LINE.fullmatch(line))
        if in_block and not (is_encoded and is_wide):
            yield from _block(text, begun, at + size if is_encoded else at - 1)
            in_block = False
        elif is_encoded and not in_block:
            in_block, begun = True, at
        at += size + 1
    if in_block:
        yield from _block(text, begun, len(text))


def _block(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if end - start >= LEAST_WORDLESS_CHARS and MIXED.match(text[start:end]):
        yield start, end


def _in_line(line: str, start: int) -> Iterator[tuple[int, int]]:
    found = [match.span() for match in DATA_URI.finditer(line)]
    for pattern in (ENCODED, _URL_SAFE):
        found += [match.span() for match in pattern.finditer(line) if MIXED.match(match[0])]
    found += [match.span() for match in _HEX.finditer(line) if _HEX_MIXED.match(match[0])]
    end = 0
    for left, right in sorted(found):
        if right - left >= LEAST_WORDLESS_CHARS and left >= end:
            yield start + left, start + right
            end = right


def _marks(text: str) -> Iterator[tuple[int, int]]:
    """Runs of marks and white space; first those steps are found that hold no letter or digit."""
    begun: int | None = None
    for at in range(0, len(text), _STEP):
        is_plain = _WORD.search(text, at, at + _STEP) is None
        if is_plain and begun is None:
            begun = at
        elif not is_plain and begun is not None:
            yield from _runs(text, begun, at)
            begun = None
    if begun is not None:
        yield from _runs(text, begun, len(text))


def _runs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for run in _MARKS.finditer(text, max(0, start - _STEP), min(len(text), end + _STEP)):
        left, right = _without_neighbours(run[0])
        if right - left >= LEAST_WORDLESS_CHARS:
            yield run.start() + left, run.start() + right


def _without_neighbours(run: str) -> tuple[int, int]:
    """Leave the full stop before a run, and the mark of a heading or an item after it."""
    most = LEAST_WORDLESS_CHARS
    blank = _BLANK.search(run, 0, most)
    left = blank.start() if blank else 0
    for mark in ("\n", " "):
        if (right := run.rfind(mark, max(left, len(run) - most))) >= 0:
            return left, right
    return left, len(run)
