"""Converts the pages of LlamaParse into a parsed document."""

from collections.abc import Iterable

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.markdown import parse_markdown
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument


def assemble(
    pages: Iterable[tuple[int, str]], *, parser: str, max_pages: int, max_text_chars: int
) -> ParsedDocument:
    """Join pages in order, and find their headings.

    Args:
        pages: Page numbers from 1, with their Markdown; empty for a failed page.
        parser: Label of the parse.
        max_pages: Most pages.
        max_text_chars: Most characters.

    Raises:
        DocumentEmpty: no page has text.
        TooManyPages, ParserLimitExceeded: a limit is exceeded.
    """
    draft = Draft(ParserLimits(max_pages, max_text_chars))
    ordered = sorted(pages)
    draft.expect_pages(len(ordered))
    for number, markdown in ordered:
        draft.begin_page(number)
        parse_markdown(markdown, draft)
    return draft.finish(parser=parser)
