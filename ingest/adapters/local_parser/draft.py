"""A parsed document in the making: text is cleaned as it arrives, so landmarks stay exact."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from ingest.domain.document import Heading, Page, ParsedDocument
from ingest.domain.errors import DocumentEmpty, ParserLimitExceeded

LABEL = "local/1"

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ATX_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_INLINE = re.compile(
    r"\\([!-/:-@\[-`{-~])"
    r"|\[([^\]\n]*)\]\([^)\n]*\)"
    r"|(\*\*|\*|`)(?=\S)([^*`\n]+)(?<=\S)\3"
)


def clean(text: str) -> str:
    """Valid text: no NUL, no lone surrogates, line ends as LF."""
    return _LONE_SURROGATE.sub(
        "\N{REPLACEMENT CHARACTER}",
        text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n"),
    )


class Draft:
    """Collects blocks of text, separated by blank lines."""

    def __init__(self, *, max_text_chars: int) -> None:
        self._max_text_chars = max_text_chars
        self._parts: list[str] = []
        self._length = 0
        self._pages: list[Page] = []
        self._headings: list[Heading] = []
        self._page_number: int | None = None
        self._page_start: int | None = None

    def begin_page(self, number: int) -> None:
        """All that follows is on this page (1-based, ascending)."""
        self._end_page()
        self._page_number = number

    def add(self, text: str) -> None:
        """Append a block.

        Raises:
            ParserLimitExceeded: there would be more text than the limit.
        """
        self._append(clean(text).strip("\n"))

    def add_heading(self, level: int, title: str) -> None:
        """Append a heading as Markdown; level 1 to 6."""
        title = " ".join(clean(title).split())
        if title:
            start = self._append(f"{'#' * level} {title}")
            self._headings.append(Heading(start, level, title))

    def add_markdown(
        self,
        text: str,
        *,
        escaped: bool = False,
        restored: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        """Append Markdown whose ATX headings outside of fenced code count as headings.

        Args:
            text: Markdown.
            escaped: Undo backslash escapes outside of fenced code.
            restored: Characters to put back once headings and escapes are settled, by the
                code point that stands in for them.
        """
        lines: list[str] = []
        found: list[tuple[int, int, str]] = []
        length = 0
        fence = ""
        for line in clean(text).strip("\n").split("\n"):
            mark = _FENCE.match(line)
            if mark and not fence:
                fence = mark[1]
            elif mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
            elif not fence:
                heading = _ATX_HEADING.match(line)
                kept = _ESCAPED.sub(r"\1", line) if escaped and "\\" in line else line
                if heading:
                    found.append((length, len(heading[1]), _title(heading[2])))
                line = kept
            lines.append(line)
            length += len(line) + 1
        block = "\n".join(lines)
        start = self._append(block.translate(restored) if restored else block)
        self._headings += [
            Heading(start + at, level, title.translate(restored))
            for at, level, title in found
            if title
        ]

    def finish(self) -> ParsedDocument:
        """The parsed document.

        Raises:
            DocumentEmpty: there is nothing but white space.
        """
        self._end_page()
        text = "".join(self._parts)
        if not text.strip():
            raise DocumentEmpty("there is no text in the document")
        return ParsedDocument(text, tuple(self._pages), tuple(self._headings), LABEL)

    def _append(self, block: str) -> int:
        if not block:
            return self._length
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        start = self._length
        if self._page_number is not None and self._page_start is None:
            self._page_start = start
        self._parts.append(block)
        self._length += len(block)
        if self._length > self._max_text_chars:
            raise ParserLimitExceeded(
                f"the document's text is longer than the limit of {self._max_text_chars} characters"
            )
        return start

    def _end_page(self) -> None:
        if self._page_number is not None:
            start = self._length if self._page_start is None else self._page_start
            self._pages.append(Page(self._page_number, start, self._length))
            self._page_number = self._page_start = None


def _title(raw: str) -> str:
    """A heading without closing marks, escapes and inline mark-up."""
    bare = re.sub(r"[ \t]+#+[ \t]*$", "", raw)
    return _INLINE.sub(lambda found: found[1] or found[2] or found[4] or "", bare).strip()
