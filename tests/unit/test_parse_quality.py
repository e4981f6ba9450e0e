"""The check after parsing: what it accepts, and the numbers it refuses with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain import parse_quality
from ingest.domain.document import Page, ParsedDocument
from ingest.domain.errors import DocumentEmpty, ParseInvalid
from ingest.domain.parse_quality import check_parse, check_text, is_scanned
from ingest.domain.remote_parse import SourceExtent

WORDS = "The pilot boards at the outer buoy. "


def parsed(*pages: str) -> ParsedDocument:
    places, at = [], 0
    for number, page in enumerate(pages, start=1):
        places.append(Page(number, at, at + len(page)))
        at += len(page)
    return ParsedDocument("".join(pages), tuple(places), (), "test/1")


def check(
    document: ParsedDocument,
    source: SourceExtent,
    *,
    failed: tuple[int, ...] = (),
    longest: int = 0,
) -> None:
    check_parse(document, source, failed_pages=failed, longest_page_bytes=longest)


def test_a_text_of_words_passes_and_so_do_other_scripts_and_tables() -> None:
    for text in (WORDS, "日本語の文書です。", "Привет", "| 1 | 2 |\n| --- | --- |\n", "42", "é̈"):
        check_text(parsed(text))


@pytest.mark.parametrize("text", ["", " \n\t\f"])
def test_nothing_but_space_is_an_empty_document(text: str) -> None:
    with pytest.raises(DocumentEmpty):
        check_text(parsed(text))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("\ufffd" * 6 + "a" * 94, "6% of its characters are unreadable, limit 5%"),
        ("\ue001\ue002 \ue003", "100% of its characters are unreadable, limit 5%"),
        ("\x01\x02ab", "50% of its characters are unreadable, limit 5%"),
        ("--- *** ---", "no letter and no digit"),
    ],
)
def test_garbage_is_refused_with_its_share(text: str, numbers: str) -> None:
    with pytest.raises(ParseInvalid, match=numbers):
        check_text(parsed(text))


@given(st.text(st.characters(exclude_categories=[]), min_size=1))
def test_every_character_is_judged_as_the_pattern_says(text: str) -> None:
    assert parse_quality._count_garbage(text) == len(parse_quality._GARBAGE.findall(text))


def test_a_little_garbage_passes() -> None:
    check_text(parsed("\ufffd" * 5 + "a" * 95))


def test_a_parse_that_matches_its_source_passes() -> None:
    check(parsed(WORDS, WORDS), SourceExtent(2, 72, 50))
    check(parsed(WORDS), SourceExtent(None, 0, 50))
    check(parsed(WORDS), SourceExtent(1, 199, 50))
    check(parsed(WORDS), SourceExtent(1, 300, 50))


@pytest.mark.parametrize(
    ("pages", "source", "failed", "longest", "numbers"),
    [
        (2, SourceExtent(3, 0, 50), (), 0, "it has 2 pages, the document 3"),
        (4, SourceExtent(3, 0, 50), (), 0, "it has 4 pages, the document 3"),
        (50, SourceExtent(None, 0, 50), (), 0, "it was cut off at 50 pages"),
        (10, SourceExtent(10, 0, 50), (1,), 0, "1 of 10 pages failed, limit 5%"),
        (
            1,
            SourceExtent(1, 3700, 50),
            (),
            0,
            "it has 36 characters, the document's text layer 3700",
        ),
        (1, SourceExtent(1, 0, 50), (), 65_533, "a page has 65533 bytes: it was cut off at 65536"),
        (
            2,
            SourceExtent(3, 0, 50),
            (1,),
            65_536,
            "2 pages, the document 3; 1 of 2 .*; a page has 65536",
        ),
    ],
)
def test_a_parse_that_lost_something_is_refused_with_every_number(
    pages: int, source: SourceExtent, failed: tuple[int, ...], longest: int, numbers: str
) -> None:
    with pytest.raises(ParseInvalid, match=numbers):
        check(parsed(*[WORDS] * pages), source, failed=failed, longest=longest)


def test_one_failed_page_of_twenty_passes() -> None:
    check(parsed(*[WORDS] * 20), SourceExtent(20, 0, 50), failed=(7,))


@pytest.mark.parametrize(
    ("pages", "scanned"),
    [
        ([], False),
        ([WORDS], False),
        (["p. 1"], True),
        ([WORDS, "2"], False),
        ([WORDS, "2", "3"], True),
        ([WORDS, " - - - ", WORDS], False),
    ],
)
def test_pages_with_next_to_no_text_are_pictures(pages: list[str], scanned: bool) -> None:
    assert is_scanned(parsed(*pages)) is scanned
