"""Reads AsciiDoc: its text as written, and its section titles."""

import re

from ingest.adapters.parsers.local.draft import Draft, clean
from ingest.adapters.parsers.local.formats.outlined import OutlinedText

_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_BLOCK = re.compile(r"(-{4,}|\.{4,}|\+{4,}|/{4,}|\*{4,}|_{4,}|={4,}|```\w*|--)[ \t]*$")
_LITERAL = frozenset("-.+/`")
"""Blocks whose lines are no mark-up; in the others there may be discrete titles."""
_UNDERLINE = re.compile(r"(={2,}|-{2,}|~{2,}|\^{2,}|\+{2,})[ \t]*$")
_UNDERLINED = "=-~^+"
_SLACK = 2
"""A two-line title's underline may be this much shorter or longer than the title."""


def parse_asciidoc(text: str, draft: Draft) -> None:
    """Read a document; comments, attributes and macros stay as they are written."""
    lines = clean(text).split("\n")
    out, block, at = OutlinedText(draft), "", 0
    while at < len(lines):
        line = lines[at]
        fence = _BLOCK.match(line)
        underlined = "" if block else _underlined(lines, at)
        if block:
            block = "" if line.rstrip() == block else block
            out.line(line)
        elif underlined:
            out.heading(_UNDERLINED.index(underlined) + 1, line)
            at += 1
        elif found := _TITLE.match(line):
            out.heading(len(found[1]), found[2])
        else:
            if fence and line[0] in _LITERAL and fence[1] != "--":
                block = line.rstrip() if line[0] != "`" else "```"
            out.line(line)
        at += 1
    out.end()


def _underlined(lines: list[str], at: int) -> str:
    """The mark below this line when both are a two-line title."""
    title, below = (*lines[at : at + 2], "")[:2]
    mark = _UNDERLINE.match(below)
    free = at == 0 or not lines[at - 1].strip() or lines[at - 1].startswith(("[", "//"))
    if not mark or not free or not title[:1].isalnum():
        return ""
    return mark[1][0] if abs(len(mark[1]) - len(title.rstrip())) <= _SLACK else ""
