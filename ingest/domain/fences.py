"""Blocks of code in Markdown: where they are, and the language that their first line names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MARK = re.compile(r"^[ \t]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_LANGUAGE = re.compile(r"[ \t]*\{?[ \t]*\.?([A-Za-z][\w+#.-]*)")
MAX_LANGUAGE_CHARS = 40
DEFINES = re.compile(
    r"[ \t]*(?:(?:async|export|default|pub|public|private|protected|internal|static|final|abstract"
    r"|override|unsafe|inline)(?:\([a-z]+\))?[ \t]+)*"
    r"(?:def|class|fn|func|function|fun|sub|impl|struct|enum|trait|interface|module|namespace)\b.*"
)
"""The first line of a definition, in common languages."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of code between two marks; without the second one, up to the end of the text."""

    start: int
    body_start: int
    """Where its first line of code begins."""
    body_end: int
    """Where its closing mark begins."""
    end: int
    language: str
    """Of its first line, such as ``python``; often empty."""


def fences(text: str) -> Iterator[Fence]:
    """All blocks of code, in order."""
    opened: re.Match[str] | None = None
    for mark in _marks(text):
        if opened is None:
            opened = mark if mark[1][0] == "~" or "`" not in mark[2] else None
        elif mark[1].startswith(opened[1]) and not mark[2].strip():
            yield _fence(text, opened, mark.start(), mark.end())
            opened = None
    if opened is not None:
        yield _fence(text, opened, len(text), len(text))


def _marks(text: str) -> list[re.Match[str]]:
    """The lines that begin with a mark of code, in order; a search for it is faster than lines."""
    found: dict[int, re.Match[str]] = {}
    for sign in ("```", "~~~"):
        at = text.find(sign)
        while at >= 0:
            start = text.rfind("\n", 0, at) + 1
            if line := _MARK.match(text, start):
                found[start] = line
            end = text.find("\n", at)
            at = text.find(sign, end) if end >= 0 else -1
    return [found[start] for start in sorted(found)]


def _fence(text: str, opened: re.Match[str], body_end: int, end: int) -> Fence:
    found = _LANGUAGE.match(opened[2])
    language = found[1][:MAX_LANGUAGE_CHARS] if found else ""
    return Fence(opened.start(), min(opened.end() + 1, len(text)), body_end, end, language)


def enclosing(text: str, fence: Fence, char: int, *, most: int) -> list[str]:
    """First lines of the definitions around a place in code, outermost first, by indentation.

    Args:
        text: The document's text.
        fence: The block of code.
        char: The place.
        most: Most characters of them all; the innermost ones are kept.
    """
    start = text.rfind("\n", fence.body_start, char) + 1 or fence.body_start
    indent = _indent(text[start : start + _MOST_LINE])
    found: list[str] = []
    for _ in range(_MOST_LINES):
        if not indent or start <= fence.body_start:
            break
        end = start - 1
        start = text.rfind("\n", fence.body_start, end) + 1 or fence.body_start
        line = text[start : min(end, start + _MOST_LINE)]
        if line.strip() and (own := _indent(line)) < indent:
            indent = own
            if DEFINES.fullmatch(line):
                most -= len(line) - own + 1
                if most < 0:
                    break
                found.append(line.strip())
    return found[::-1]


_MOST_LINE = 200
_MOST_LINES = 400


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())
