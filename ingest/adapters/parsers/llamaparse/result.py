"""Converts the pages of LlamaParse into a parsed document."""

from collections.abc import Collection, Iterable

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.markdown import parse_markdown
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode, name_numbers


def assemble(
    pages: Iterable[tuple[int, str]],
    *,
    failed_pages: Collection[int] = (),
    parser: str,
    max_pages: int,
    max_text_chars: int,
) -> ParsedDocument:
    """Join pages in order, and find their headings.

    Args:
        pages: Page numbers from 1, with their Markdown.
        failed_pages: Page numbers without any; a warning names them.
        parser: Label of the parse.
        max_pages: Most pages.
        max_text_chars: Most characters.

    Raises:
        DocumentEmpty: no page has text.
        TooManyPages, ParserLimitExceeded: a limit is exceeded.
    """
    draft = Draft(ParserLimits(max_pages, max_text_chars))
    ordered = sorted([*pages, *((number, "") for number in failed_pages)])
    draft.expect_pages(len(ordered))
    for number, markdown in ordered:
        draft.begin_page(number)
        parse_markdown(markdown, draft)
    if failed_pages:
        named = name_numbers("page", failed_pages)
        draft.warn(WarningCode.PAGE_NOT_READ, f"the provider could not read {named}")
    return draft.finish(parser=parser)
