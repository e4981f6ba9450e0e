"""Where a passage stands, in words: its file, its headings, and the columns of its table."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from ingest.domain.document import ParsedDocument
from ingest.domain.embedded_text import RULE_ROW, cells_of, is_rule_row, words_of
from ingest.domain.media_type import EXTENSIONS

MAX_TITLE_CHARS = 120
MAX_PATH_CHARS = 240
MAX_HEAD_CHARS = 240
_MAX_STEP_CHARS = 80
_STEP = " > "
_ROWS = re.compile(r"(?:\n[^\n|]*\|[^\n]*)*")


class Contexts:
    """What stands in front of the passages of one document when they are embedded."""

    def __init__(self, parsed: ParsedDocument, filename: str) -> None:
        self._title = title_of(filename)
        tables = list(_tables(parsed.text)) if "|" in parsed.text else []
        self._heads = [head for head, _, _ in tables]
        self._starts = [start for _, start, _ in tables]
        self._ends = [end for _, _, end in tables]

    def of(self, char_start: int, heading_path: Sequence[str]) -> str:
        """The context of a passage that starts here; at most about 600 characters.

        A passage that starts inside a table is preceded by the names of its columns.
        """
        parts = [self._title, _bounded_path(heading_path), self._head_at(char_start)]
        return "\n".join(part for part in parts if part)

    def _head_at(self, char: int) -> str:
        """Names of the columns of the table that this character is in, but not in its first row."""
        at = bisect_right(self._starts, char) - 1
        return self._heads[at] if at >= 0 and char < self._ends[at] else ""


def title_of(filename: str) -> str:
    """The words of a file name, without an extension that names the format."""
    stem, dot, extension = filename.rpartition(".")
    name = stem if stem and f"{dot}{extension}".lower() in EXTENSIONS else filename
    return _cut(" ".join(name.replace("_", " ").split()), MAX_TITLE_CHARS)


def _bounded_path(heading_path: Sequence[str]) -> str:
    """The headings, outermost first; of too many the outermost and the innermost ones."""
    steps = [_cut(step, _MAX_STEP_CHARS) for step in heading_path]
    while len(_STEP.join(steps)) > MAX_PATH_CHARS:
        del steps[len(steps) // 2]
    return _STEP.join(steps)


def _cut(words: str, most: int) -> str:
    if len(words) <= most:
        return words
    whole, _, _ = words[: most + 1].rpartition(" ")
    return whole.rstrip() if len(whole) > most // 2 else words[:most]


def _tables(text: str) -> Iterator[tuple[str, int, int]]:
    """Markdown tables: the words of the head, where the head ends, and where the table ends."""
    for rule in RULE_ROW.finditer(text):
        if not is_rule_row(rule[0].rstrip("\n")):
            continue
        head_end = rule.start() - 1
        head = text[text.rfind("\n", 0, max(head_end, 0)) + 1 : max(head_end, 0)]
        rows = _ROWS.match(text, rule.start() + len(rule[0].rstrip("\n")))
        if "|" in head and rows is not None:
            yield _cut(words_of(cells_of(head)), MAX_HEAD_CHARS), head_end, rows.end()
