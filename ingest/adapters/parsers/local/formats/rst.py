"""Reads reStructuredText: its text as written, and its section titles."""

import re

from ingest.adapters.parsers.local.draft import Draft, clean
from ingest.adapters.parsers.local.formats.outlined import OutlinedText

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*\s*$")
_LEAST_MARKS = 3
"""docutils takes four of a shorter line than its title for a title; three for one as long."""


def parse_rst(text: str, draft: Draft) -> None:
    """Read a document; levels are in the order in which their adornments first appear."""
    lines = clean(text).expandtabs(8).split("\n")
    out, styles = OutlinedText(draft), list[str]()
    at, free = 0, True
    while at < len(lines):
        taken, title, style = _title_at(lines, at, free=free)
        if taken:
            if style not in styles:
                styles.append(style)
            out.heading(styles.index(style) + 1, title)
            at += taken
            free = True
        else:
            out.line(lines[at])
            free = not lines[at].strip()
            at += 1
    out.end()


def _title_at(lines: list[str], at: int, *, free: bool) -> tuple[int, str, str]:
    """Lines that a title takes here, the title, and its adornment; no lines when there is none."""
    line, below, third = (*lines[at : at + 3], "", "", "")[:3]
    if _is_adornment(line):
        fits = below.strip() and _fits(line, below) and line.rstrip() == third.rstrip()
        return (3, below.strip(), line[0] * 2) if fits else (0, "", "")
    if free and line.strip() and not line[0].isspace() and _is_adornment(below):
        return (2, line.strip(), below[0]) if _fits(below, line) else (0, "", "")
    return 0, "", ""


def _is_adornment(line: str) -> bool:
    return len(line.rstrip()) >= _LEAST_MARKS and _ADORNMENT.match(line) is not None


def _fits(adornment: str, title: str) -> bool:
    if _is_adornment(title):
        return False
    width = len(adornment.rstrip())
    return width > _LEAST_MARKS or width >= len(title.strip())
