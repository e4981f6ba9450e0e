"""Chunks: contiguous passages of a parsed document, the unit of search."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ingest.domain.document import Heading, ParsedDocument
from ingest.domain.embedded_text import embedded_text


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that a splitter cuts out of a text."""

    char_start: int
    char_end: int
    """End of the passage (exclusive), in characters of the document's text."""
    token_count: int | None
    """Tokens of the passage on its own, in the splitter's vocabulary; None: not counted."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One passage of one document, ready to be embedded."""

    chunk_id: UUID
    chunk_ord: int
    """Position in the document, from 0."""
    char_start: int
    char_end: int
    page: int | None
    """1-based page on which the chunk starts, where the format has pages."""
    heading_path: tuple[str, ...]
    """Titles of the headings the chunk starts under, outermost first."""
    token_count: int
    """Tokens of ``embedded_text``, in the splitter's vocabulary."""
    text: str
    text_sha256: bytes
    """32-byte digest of ``embedded_text``."""
    context: str | None = None
    """What stands before the text when it is embedded: words of the file name, headings, and the
    columns of a table that began before. None: the text is embedded as it is."""
    filename: str = ""
    """Of the document; lexical search finds a chunk by it, too."""

    @property
    def embedded_text(self) -> str:
        """The exact text sent to the embedder."""
        return embedded_text(self.context, self.text)


class Landmarks:
    """Finds the page and the heading path of a place in a parsed document."""

    def __init__(self, parsed: ParsedDocument) -> None:
        self._page_starts = [page.char_start for page in parsed.pages]
        self._page_numbers = [page.number for page in parsed.pages]
        self._heading_starts = [heading.char_start for heading in parsed.headings]
        self._paths = _heading_paths(parsed.headings)

    def page_at(self, char: int) -> int | None:
        """The 1-based page that holds this character, None without pages."""
        at = bisect_right(self._page_starts, char)
        if not self._page_numbers:
            return None
        return self._page_numbers[max(at - 1, 0)]

    def heading_path_at(self, char: int) -> tuple[str, ...]:
        """Titles of the headings in force at this character, outermost first."""
        at = bisect_right(self._heading_starts, char)
        return self._paths[at - 1] if at else ()


def _heading_paths(headings: Sequence[Heading]) -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = []
    open_headings: list[Heading] = []
    for heading in headings:
        while open_headings and open_headings[-1].level >= heading.level:
            open_headings.pop()
        open_headings.append(heading)
        paths.append(tuple(entry.title for entry in open_headings))
    return paths
