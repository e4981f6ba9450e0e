"""Reads Org files: their text as written, and their headlines."""

import re

from ingest.adapters.parsers.local.draft import Draft, clean
from ingest.adapters.parsers.local.formats.outlined import OutlinedText

_HEADLINE = re.compile(r"(\*+) +(\S.*)")
_TITLE = re.compile(r"#\+title:\s*(\S.*)", re.I)
_END = re.compile(r"\s*#\+end_(\w+)", re.I)
_BEGIN = re.compile(r"\s*#\+begin_(\w+)", re.I)


def parse_org(text: str, draft: Draft) -> None:
    """Read a file; with a title, the headlines stand one level below it."""
    lines = clean(text).split("\n")
    titled = any(map(_TITLE.match, lines))
    ends = {found[1].lower() for found in map(_END.match, lines) if found}
    out, block = OutlinedText(draft), ""
    for line in lines:
        headline, title, begin = _HEADLINE.match(line), _TITLE.match(line), _BEGIN.match(line)
        if block:
            block = "" if line.strip().lower() == f"#+end_{block}" else block
            out.line(line)
        elif headline:
            out.heading(len(headline[1]) + titled, headline[2])
        elif title:
            out.heading(1, title[1])
        else:
            # A block without an end must not hide the headlines after it.
            if begin and begin[1].lower() in ends:
                block = begin[1].lower()
            out.line(line)
    out.end()
