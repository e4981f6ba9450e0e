"""Builds a parsed document; text is cleaned as it arrives, so that positions stay exact."""

import re
from collections.abc import Callable, Iterable, Sequence

from ingest.adapters.parsers.local.ocr.recognition import Recognition
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import Heading, Page, ParsedDocument
from ingest.domain.errors import DocumentEmpty, ParserLimitExceeded, TooManyPages
from ingest.domain.parse_warning import (
    MAX_WARNING_CHARS,
    MAX_WARNINGS,
    ParseWarning,
    WarningCode,
)

LABEL = "local/2"
MAX_TITLE_CHARS = 500
"""Longer headings become plain text, because each chunk carries its headings."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Make text valid: without NUL and lone surrogates, with LF as line end."""
    return _LONE_SURROGATE.sub(
        "\N{REPLACEMENT CHARACTER}",
        text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n"),
    )


def _table_row(cells: Sequence[str], width: int) -> str:
    line = " | ".join(cells)
    if line.count("|") >= len(cells):
        line = " | ".join(cell.replace("|", "\\|") for cell in cells)
    return f"| {line}{' | ' * (width - len(cells))} |"


class Draft:
    """Collects blocks of text, separated by blank lines."""

    def __init__(
        self,
        limits: ParserLimits,
        *,
        before_recognition: Callable[[], None] | None = None,
        inside: "Draft | None" = None,
    ) -> None:
        """Begin an empty document.

        Args:
            limits: Its limits.
            before_recognition: Called once, before the first picture is recognized.
            inside: The document that it is a part of; both share the limits of recognition.
        """
        self._limits = limits
        self.depth: int = inside.depth + 1 if inside else 0
        self.recognition: Recognition = Recognition(
            limits.ocr, before_recognition, inside=inside.recognition if inside else None
        )
        self._parts: list[str] = []
        self._length = 0
        self._tight = False
        self._pages: list[Page] = []
        self._headings: list[Heading] = []
        self._warnings: dict[ParseWarning, None] = {}
        self._more_warnings = 0
        self._page_number: int | None = None
        self._page_start: int | None = None

    def scratch(self) -> "Draft":
        """An empty draft with the same limits, to see what a part of the document says."""
        return Draft(self._limits)

    @property
    def length(self) -> int:
        """Characters that were added so far."""
        return self._length

    @property
    def text(self) -> str:
        """What was added so far."""
        return "".join(self._parts)

    def expect_pages(self, count: int) -> None:
        """Announce the number of pages, slides or sheets.

        Raises:
            TooManyPages: there are more than the limit.
        """
        if count > self._limits.max_pages:
            raise TooManyPages(f"the document has {count} pages, limit {self._limits.max_pages}")

    @property
    def limits(self) -> ParserLimits:
        """The limits of the document."""
        return self._limits

    def expect_chars(self, count: int) -> None:
        """Announce a least number of characters, before memory is spent on them.

        Raises:
            ParserLimitExceeded: there are more than the limit.
        """
        if self._length + count > self._limits.max_text_chars:
            raise self._too_long()

    def begin_page(self, number: int) -> None:
        """Begin a page; numbers start at 1 and ascend."""
        self._end_page()
        self._page_number = number

    def add(self, text: str, *, tight: bool = False) -> None:
        """Append a block; no blank line separates two tight ones.

        Raises:
            ParserLimitExceeded: the text would be longer than the limit.
        """
        self._append(clean(text).strip("\n"), tight=tight)

    def add_heading(self, level: int, title: str) -> None:
        """Append a Markdown heading of at most level 6; a title that is too long becomes text."""
        title = " ".join(clean(title).split())
        if len(title) > MAX_TITLE_CHARS:
            self.add(title)
        elif title:
            level = min(level, 6)
            start = self._append(f"{'#' * level} {title}")
            self._headings.append(Heading(start, level, title))

    def add_table(self, rows: Iterable[Sequence[str]]) -> None:
        """Append a Markdown table whose first row is its head; blank rows are left out.

        Short rows are filled up to the width of the widest one; a pipe in a cell is escaped.
        A table with one column becomes lines.
        """
        cells = [[" ".join(cell.split()) for cell in row] for row in rows]
        filled = [row for row in cells if any(row)]
        width = max(map(len, filled), default=0)
        if width == 1:
            lines = [row[0] for row in filled]
        else:
            lines = [_table_row(row, width) for row in filled]
            lines[1:1] = ["| --- " * width + "|"] if filled else []
        self.add("\n".join(lines))

    def add_outlined(self, text: str, headings: Iterable[Heading]) -> None:
        """Append clean text with its own headings, whose positions count from its start."""
        start = self._append(text)
        self._headings += [Heading(start + h.char_start, h.level, h.title) for h in headings]

    def add_document(self, parsed: ParsedDocument, *, title: str, level: int, source: str) -> None:
        """Append another document under a heading, with its warnings.

        Args:
            parsed: The document; its headings become deeper by ``level`` levels.
            title: The heading.
            level: Level of the heading.
            source: What its warnings begin with.
        """
        self.add_heading(level, title)
        self.add_outlined(*_deeper(parsed, level))
        for warning in parsed.warnings:
            self.warn(warning.code, f"{source}: {warning.message}")

    def warn(self, code: WarningCode, message: str) -> None:
        """Say that a part was not read, or not for sure; an equal warning is kept once."""
        warning = ParseWarning(code, " ".join(clean(message).split())[:MAX_WARNING_CHARS])
        if warning in self._warnings:
            return
        if len(self._warnings) < MAX_WARNINGS - 1:
            self._warnings[warning] = None
        else:
            self._more_warnings += 1

    def finish(self, *, parser: str = LABEL) -> ParsedDocument:
        """Return the parsed document, with the label of the parser.

        Raises:
            DocumentEmpty: the text has only white space.
        """
        self._end_page()
        for code, message in self.recognition.warnings():
            self.warn(code, message)
        text = "".join(self._parts)
        if not text.strip():
            pages = len(self._pages) or None
            where = f"on any of the document's {pages} pages" if pages else "in the document"
            why = "".join(f"; {reason}" for reason in self.recognition.reasons())
            raise DocumentEmpty(f"there is no text {where}{why}", pages=pages)
        return ParsedDocument(
            text, tuple(self._pages), tuple(self._headings), parser, self._all_warnings()
        )

    def _all_warnings(self) -> tuple[ParseWarning, ...]:
        if not self._more_warnings:
            return tuple(self._warnings)
        more = ParseWarning(
            WarningCode.MORE_WARNINGS, f"{self._more_warnings} more warnings are not kept"
        )
        return (*self._warnings, more)

    def _append(self, block: str, *, tight: bool = False) -> int:
        if not block:
            return self._length
        if self._parts:
            separator = "\n" if tight and self._tight else "\n\n"
            self._parts.append(separator)
            self._length += len(separator)
        self._tight = tight
        start = self._length
        if self._page_number is not None and self._page_start is None:
            self._page_start = start
        self._parts.append(block)
        self._length += len(block)
        if self._length > self._limits.max_text_chars:
            raise self._too_long()
        return start

    def _too_long(self) -> ParserLimitExceeded:
        return ParserLimitExceeded(
            "the document's text is longer than the limit of "
            f"{self._limits.max_text_chars} characters"
        )

    def _end_page(self) -> None:
        if self._page_number is not None:
            start = self._length if self._page_start is None else self._page_start
            self._pages.append(Page(self._page_number, start, self._length))
            self._page_number = self._page_start = None
            self._tight = False


def _deeper(parsed: ParsedDocument, shift: int) -> tuple[str, list[Heading]]:
    """The text of a document whose headings are deeper by some levels, and those headings."""
    pieces, headings = [], []
    at = grown = 0
    for heading in parsed.headings:
        level = min(heading.level + shift, 6)
        marked = parsed.text.startswith("#", heading.char_start)
        marks = "#" * (level - heading.level) if marked else ""
        pieces += [parsed.text[at : heading.char_start], marks]
        headings.append(Heading(heading.char_start + grown, level, heading.title))
        at = heading.char_start
        grown += len(marks)
    return "".join([*pieces, parsed.text[at:]]), headings
