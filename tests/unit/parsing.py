"""A parser for the tests of formats, and what holds for everything it returns."""

from collections.abc import Awaitable, Callable

from ingest.adapters.parsers.local import LocalParser
from ingest.domain.document import ParsedDocument
from ingest.domain.media_type import EXTENSIONS, MediaType

Parse = Callable[[str, bytes], Awaitable[ParsedDocument]]


def checked(parser: LocalParser) -> Parse:
    """Parses by name and content, and looks at the landmarks of each result."""

    async def run(name: str, data: bytes) -> ParsedDocument:
        media_type = EXTENSIONS.get(f".{name.rpartition('.')[2]}", MediaType.TEXT)
        parsed = await parser.parse(data, filename=name, media_type=media_type)
        assert_landmarks_are_exact(parsed)
        return parsed

    return run


def assert_landmarks_are_exact(parsed: ParsedDocument) -> None:
    places = [heading.char_start for heading in parsed.headings]
    assert places == sorted(places)
    for heading in parsed.headings:
        line = parsed.text[heading.char_start :].split("\n", 1)[0]
        assert line.startswith("#" * heading.level + " "), line
    assert [page.number for page in parsed.pages] == list(range(1, len(parsed.pages) + 1))
    ends = [0, *(page.char_end for page in parsed.pages)]
    for page, end in zip(parsed.pages, ends, strict=False):
        assert end <= page.char_start <= page.char_end <= len(parsed.text)
        assert not parsed.text[end : page.char_start].strip()


def outline(parsed: ParsedDocument) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in parsed.headings]


def page_texts(parsed: ParsedDocument) -> list[str]:
    return [parsed.text[page.char_start : page.char_end] for page in parsed.pages]
