"""How lines of a PDF are joined, and which of them are headings."""

import io
from collections.abc import Sequence

import pytest
from reportlab.pdfgen.canvas import Canvas

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument

LIMITS = ParserLimits(100, 1_000_000)
PROSE = "The keeper of the light wrote down the height of the water at every hour of the"


def read(texts: Sequence[str], *, stamp: str = "") -> ParsedDocument:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    if stamp:
        canvas.translate(150, 300)
        canvas.rotate(45)
        canvas.setFont("Helvetica", 50)
        canvas.drawString(0, 0, stamp)
        canvas.rotate(-45)
        canvas.translate(-150, -300)
    canvas.setFont("Helvetica", 10)
    for number, text in enumerate(texts):
        canvas.drawString(60, 780 - 14 * number, text)
    canvas.save()
    return parse_document(out.getvalue(), filename="x.pdf", limits=LIMITS)


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("years 1999\u2013", "2000", "1999\u20132000"),
        ("north\u2013", "south line", "north\u2013south"),
        ("input/", "output list", "input/output"),
        ("anti-", "inflammatory drug", "anti-inflammatory"),
        ("vice-", "president said", "vice-president"),
        ("late summer \u2013", "and the autumn", "summer \u2013 and"),
    ],
)
def test_what_a_dash_joins_at_the_end_of_a_line_stays_joined(
    first: str, second: str, joined: str
) -> None:
    text = read([f"{PROSE} {first}", f"{second}, as it is told here and for a while below."]).text
    assert joined in text


def test_a_slanted_stamp_is_no_heading() -> None:
    parsed = read([PROSE, PROSE, PROSE], stamp="DRAFT")
    assert "DRAFT" in parsed.text
    assert not parsed.headings


def test_three_columns_that_are_painted_line_by_line_are_read_one_after_the_other() -> None:
    parts = [
        "the harbour was closed for the",
        "winter because the ice had come",
        "early that year and nobody could",
        "say when the ships would sail to",
    ]
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    canvas.setFont("Helvetica", 9)
    for number, text in enumerate(parts * 2):
        for column in range(3):
            canvas.drawString(40 + 180 * column, 700 - 12 * number, f"{text} {'abc'[column]}")
    canvas.save()
    text = parse_document(out.getvalue(), filename="x.pdf", limits=LIMITS).text
    ends = [line[-1] for line in text.splitlines() if line]
    assert ends == sorted(ends)
    assert len(ends) == 24


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("A N N U A L   R E P O R T", "ANNUAL REPORT"),
        ("t h e   e n d", "the end"),
        ("A B C D E", "A B C D E"),
        ("X X X X X", "X X X X X"),
        ("Choose A B C D E or none.", "Choose A B C D E or none."),
    ],
)
def test_letters_set_apart_are_words_and_names_of_one_letter_are_not(
    written: str, read_as: str
) -> None:
    assert read([written]).text.lstrip("# ") == read_as
