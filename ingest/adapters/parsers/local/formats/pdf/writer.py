"""Writes the pages of a PDF into a draft."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.pdf.headings import (
    Style,
    heading_levels,
    is_title,
    plain,
)
from ingest.adapters.parsers.local.formats.pdf.lines import (
    DocumentWords,
    TextLine,
    cell_text,
    full_width,
    paragraphs,
    unwrap,
)
from ingest.adapters.parsers.local.formats.pdf.running import running_lines

Rows = list[list[str]]


@dataclass(slots=True)
class PageContent:
    """What was read from one page."""

    height: float
    pieces: list[TextLine | Rows]
    """Lines and tables in the order of reading."""
    fields: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    described: list[str] = field(default_factory=list)
    """Alternative texts of pictures."""
    recognized: str = ""
    """Text that was recognized in the picture of the page."""


@dataclass(frozen=True, slots=True)
class _Outline:
    levels: dict[Style, int]
    known: DocumentWords


def write_pages(
    pages: Sequence[PageContent], bookmarks: dict[int, dict[str, int]], draft: Draft
) -> None:
    """Write all pages; headings and running heads depend on the whole document."""
    left_out = running_lines(
        [
            (page.height, [piece if isinstance(piece, TextLine) else None for piece in page.pieces])
            for page in pages
        ]
    )
    lines = [piece for page in pages for piece in page.pieces if isinstance(piece, TextLine)]
    outline = _Outline(heading_levels(lines), DocumentWords([line.text for line in lines]))
    for number, page in enumerate(pages):
        draft.begin_page(number + 1)
        kept = [piece for at, piece in enumerate(page.pieces) if (number, at) not in left_out]
        _Writer(outline, bookmarks.get(number, {}), draft).write(kept)
        draft.add(page.recognized)
        draft.add("\n".join(page.fields))
        for text in page.described:
            draft.add(text)
        for comment in page.comments:
            draft.add(f"Comment: {comment}")


class _Writer:
    """Writes one page."""

    def __init__(self, outline: _Outline, bookmarks: dict[str, int], draft: Draft) -> None:
        self._outline = outline
        self._bookmarks = bookmarks
        self._draft = draft
        self._body: list[TextLine] = []
        self._title: list[TextLine] = []
        self._level = 0
        self._full = 0.0
        self._lies = False

    def write(self, pieces: Sequence[TextLine | Rows]) -> None:
        """Write lines and tables in their order."""
        lines = [piece for piece in pieces if isinstance(piece, TextLine)]
        self._full = full_width(lines)
        self._lies = 2 * sum(line.turned for line in lines) > len(lines)
        for piece in pieces:
            if not isinstance(piece, TextLine):
                self._flush()
                known = self._outline.known
                self._draft.add_table([[cell_text(cell, known) for cell in row] for row in piece])
                continue
            level = self._heading_level(piece)
            if self._title and (level != self._level or not self._continues(piece)):
                self._end_title()
            if level:
                self._end_body()
                self._title.append(piece)
                self._level = level
            else:
                self._body.append(piece)
        self._flush()

    def _heading_level(self, line: TextLine) -> int:
        """A slanted stamp, or a note at the margin, is no heading; a page may lie as a whole."""
        if line.turned and not self._lies:
            return 0
        level = self._outline.levels.get((line.size, line.bold), 0)
        if not level and self._bookmarks:
            level = self._bookmarks.get(plain(line.text), 0)
        return level

    def _continues(self, line: TextLine) -> bool:
        past = self._title[-1]
        return (line.size, line.bold) == (past.size, past.bold) and (
            line.base - past.base < 2.5 * max(line.size, 1.0)
        )

    def _flush(self) -> None:
        self._end_title()
        self._end_body()

    def _end_title(self) -> None:
        if not self._title:
            return
        lines, self._title = self._title, []
        if is_title(lines):
            self._draft.add_heading(self._level, unwrap(lines, self._outline.known, 0.0))
        else:
            self._body += lines

    def _end_body(self) -> None:
        for lines in paragraphs(self._body):
            self._draft.add(unwrap(lines, self._outline.known, self._full))
        self._body = []
