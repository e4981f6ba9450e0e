"""What can be seen of a document without a provider, and whether one is needed."""

from collections.abc import Set
from dataclasses import dataclass

from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentEmpty, ParseInvalid
from ingest.domain.media_type import PICTURES, MediaType
from ingest.domain.parse_quality import check_text, is_scanned
from ingest.domain.remote_parse import SourceExtent
from ingest.ports import Parser

_PAGE_CHARS = 3000
"""About what a printed page holds; formats without pages are counted by it."""
_FACTOR, _MORE = 3, 10
"""A guess of n pages has 3 n + 10 paid for in advance: a budget holds even if it is far too low."""
_ASKED = "every document is"
_HAS_PICTURES = PICTURES | {MediaType.PDF, MediaType.DOCX, MediaType.PPTX, MediaType.EPUB}


@dataclass(frozen=True, slots=True)
class PreflightResult:
    """What can be seen."""

    text: ParsedDocument | None
    """None when there is none that anybody could use."""
    reason: str
    """Why it is submitted to the provider; empty when it is not."""
    source: SourceExtent
    pages: int
    """Guessed where the format has none."""


class Preflight:
    """Parses documents here before anybody else does."""

    def __init__(self, local: Parser, reads: Set[MediaType], *, only_scanned: bool) -> None:
        """Begin.

        Args:
            local: Parses on this node, and costs nothing.
            reads: What the provider takes.
            only_scanned: The provider is for documents without readable text of their own.
        """
        self._local = local
        self._reads = reads
        self._only_scanned = only_scanned

    async def check(self, data: bytes, filename: str, media_type: MediaType) -> PreflightResult:
        """Parse a document here, and say whether the provider has to.

        Raises:
            DocumentRejected: nobody else will read it either.
        """
        is_paged = media_type is MediaType.PDF
        try:
            text = await self._local.parse(data, filename=filename, media_type=media_type)
        except DocumentEmpty as exc:
            if media_type not in _HAS_PICTURES & self._reads:
                raise
            pages = exc.pages or 1
            source = SourceExtent(exc.pages if is_paged else None, 0, _most(pages, exact=is_paged))
            return PreflightResult(None, "no text layer", source, pages)
        pages = len(text.pages) or max(1, -(-len(text.text) // _PAGE_CHARS))
        most = _most(pages, exact=is_paged)
        if media_type not in self._reads:
            return PreflightResult(
                text, "", SourceExtent(pages if is_paged else None, 0, most), pages
            )
        try:
            check_text(text)
        except ParseInvalid as exc:
            return PreflightResult(
                None, exc.message, SourceExtent(pages if is_paged else None, 0, most), pages
            )
        reason = self._reason(text)
        chars = len(text.text) if reason == _ASKED else 0
        return PreflightResult(
            text, reason, SourceExtent(pages if is_paged else None, chars, most), pages
        )

    def _reason(self, text: ParsedDocument) -> str:
        if is_scanned(text):
            return "scanned pages"
        return "" if self._only_scanned else _ASKED


def _most(pages: int, *, exact: bool) -> int:
    """Pages that are paid for in advance."""
    return pages if exact else _FACTOR * pages + _MORE
