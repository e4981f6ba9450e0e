"""From the service's pages to a parsed document."""

from collections.abc import Iterable

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.markdown import parse_markdown
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument


def assemble(
    pages: Iterable[tuple[int, str]], *, parser: str, max_pages: int, max_text_chars: int
) -> ParsedDocument:
    """Put pages together in order, with their headings.

    Args:
        pages: Numbers from 1, and Markdown; empty where a page failed.
        parser: Label of the parse.
        max_pages: Most pages.
        max_text_chars: Most characters.

    Raises:
        DocumentEmpty: no page has text.
        TooManyPages, ParserLimitExceeded: more than the limits.
    """
    draft = Draft(ParserLimits(max_pages, max_text_chars))
    ordered = sorted(pages)
    draft.expect_pages(len(ordered))
    for number, markdown in ordered:
        draft.begin_page(number)
        parse_markdown(markdown, draft)
    return draft.finish(parser=parser)
