"""Reads Markdown: keeps the text, and finds its headings."""

import re
from collections.abc import Iterator

from ingest.adapters.parsers.local.draft import MAX_TITLE_CHARS, Draft, clean
from ingest.domain.document import Heading

_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_UNDERLINE = re.compile(r" {0,3}(?:(=+)|-+)[ \t]*$")
_NOT_A_TITLE = re.compile(r"\s*(?:[-*+>|=]|\d+[.)]|#|$)|\s{4}")
_FENCE = re.compile(r"\s*(`{3,}(?=[^`]*$)|~{3,})")
_INLINE = re.compile(
    r"\\([!-/:-@\[-`{-~])"
    r"|!?\[([^\]\n]*)\]\([^)\n]*\)"
    r"|(\*\*|\*|`)(?=\S)([^*`\n]+)(?<=\S)\3"
)


def parse_markdown(text: str, draft: Draft) -> None:
    """Read CommonMark; headings have # marks or an underline, and are outside fenced code."""
    block = clean(text).strip("\n")
    draft.add_outlined(block, _headings(block))


def _headings(text: str) -> Iterator[Heading]:
    at = 0
    fence = ""
    before, above, above_at = "", "", 0
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
        elif mark:
            fence = mark[1]
        elif heading := _ATX.match(line):
            if title := _title(heading[2]):
                yield Heading(at + heading.start(1), len(heading[1]), title)
        elif (under := _UNDERLINE.match(line)) and not (before or _NOT_A_TITLE.match(above)):
            indent = len(above) - len(above.lstrip())
            if title := _title(above):
                yield Heading(above_at + indent, 1 if under[1] else 2, title)
        before, above, above_at = above.strip(), line, at
        at += len(line) + 1


def _title(raw: str) -> str:
    """Remove closing marks, escapes and inline mark-up of a heading; '' when it is too long."""
    bare = raw.rstrip(" \t")
    unmarked = bare.rstrip("#")
    if not unmarked or unmarked[-1] in " \t":
        bare = unmarked
    if len(bare) > MAX_TITLE_CHARS:
        return ""
    return _INLINE.sub(lambda found: found[1] or found[2] or found[4] or "", bare).strip()
