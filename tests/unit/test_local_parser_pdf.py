"""What is read from a PDF: lines, columns, tables, headings, and what stands beside the text."""

import io
from collections.abc import Callable, Sequence

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentEmpty, DocumentUnreadable
from ingest.domain.parse_warning import ParseWarning, WarningCode
from tests import samples

LIMITS = ParserLimits(100, 1_000_000)
PROSE = "The keeper of the light wrote down the height of the water at every hour of the day."
ROWS = [
    ["Depot", "Opened", "Staff"],
    ["Arnsbeck", "1987", "41"],
    ["Tollund", "1992", "17"],
    ["Vesterhede", "2003", "233"],
]
MARKDOWN = (
    "| Depot | Opened | Staff |\n| --- | --- | --- |\n| Arnsbeck | 1987 | 41 |\n"
    "| Tollund | 1992 | 17 |\n| Vesterhede | 2003 | 233 |"
)


def read(data: bytes) -> ParsedDocument:
    return parse_document(data, filename="x.pdf", limits=LIMITS)


def drawn(*pages: Callable[[Canvas], object]) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    for draw in pages:
        canvas.setFont("Helvetica", 10)
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def lines(canvas: Canvas, texts: Sequence[str], *, x: float = 60, y: float = 780) -> None:
    for number, text in enumerate(texts):
        canvas.drawString(x, y - 14 * number, text)


def cells(canvas: Canvas, *, by_columns: bool = False, lines: bool = False) -> None:
    places = [(row, column) for row in range(4) for column in range(3)]
    for row, column in sorted(places, key=lambda place: place[::-1] if by_columns else place):
        canvas.drawString(60 + 120 * column, 700 - 18 * row, ROWS[row][column])
    if lines:
        canvas.grid(
            [55 + 120 * column for column in range(4)], [712 - 18 * row for row in range(5)]
        )


@pytest.mark.parametrize("by_columns", [False, True])
@pytest.mark.parametrize("ruled", [False, True])
def test_a_table_is_read_by_rows_however_it_is_painted(by_columns: bool, ruled: bool) -> None:
    parsed = read(drawn(lambda canvas: cells(canvas, by_columns=by_columns, lines=ruled)))

    assert parsed.text == MARKDOWN


def test_a_table_stands_between_the_text_above_and_below_it() -> None:
    def draw(canvas: Canvas) -> None:
        lines(canvas, [PROSE])
        cells(canvas, by_columns=True)
        lines(canvas, ["Below the table stands its source."], y=600)

    assert read(drawn(draw)).text == f"{PROSE}\n\n{MARKDOWN}\n\nBelow the table stands its source."


def test_a_wrapped_cell_stays_in_its_row() -> None:
    def draw(canvas: Canvas) -> None:
        for row, texts in enumerate([("Part", "Use", "Price"), ("Cleat", "holds", "3.20")]):
            for column, text in enumerate(texts):
                canvas.drawString(60 + 120 * column, 700 - 24 * row, text)
        canvas.drawString(180, 664, "the mooring rope")
        for column, text in enumerate(("Tar", "seals wood", "41.50")):
            canvas.drawString(60 + 120 * column, 640, text)

    text = read(drawn(draw)).text

    assert "| Cleat | holds the mooring rope | 3.20 |\n| Tar | seals wood | 41.50 |" in text


def test_columns_that_are_painted_line_by_line_are_read_one_after_the_other() -> None:
    left = ["The committee of the harbour met on", "Monday and looked into the matter of", "buoys."]
    right = [
        "Then the master of the harbour gave",
        "thanks to all the crews of the boats",
        "and left.",
    ]

    def draw(canvas: Canvas) -> None:
        for number, (one, two) in enumerate(zip(left, right, strict=True)):
            canvas.drawString(60, 700 - 14 * number, one)
            canvas.drawString(320, 700 - 14 * number, two)

    text = read(drawn(draw)).text.replace("\n", " ")

    assert " ".join(left) in text
    assert " ".join(right) in text


def test_lines_that_are_painted_from_below_are_read_from_above() -> None:
    texts = [f"Sentence {number} of the log of the lightship is here." for number in range(6)]

    def draw(canvas: Canvas) -> None:
        for number in reversed(range(6)):
            canvas.drawString(60, 600 - 14 * number, texts[number])

    assert read(drawn(draw)).text == "\n".join(texts)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("systems of the certificate ISO-", "9001 are listed", "ISO-9001 are"),
        ("the spare part is called KX-", "Beta in all lists", "KX-Beta in"),
        ("a dual-encoder and another dual-", "encoder were used", "another dual-encoder were"),
        ("the paper of the whole depart-", "ment of ships", "department of"),
        ("the price and the determining mark is a price-", "determining part", "price-determining"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_stays_when_it_is_part_of_a_word(
    first: str, second: str, expected: str
) -> None:
    assert expected in read(drawn(lambda canvas: lines(canvas, [first, second]))).text


def test_an_address_over_two_lines_has_no_blank_and_text_after_an_address_has_one() -> None:
    texts = [
        "The manual of the harbour is kept at https://docs.example.org/handbook/",
        "windows/setup.html and is updated; the other is at https://example.org/manual",
        "and is not.",
    ]

    text = read(drawn(lambda canvas: lines(canvas, texts))).text

    assert "https://docs.example.org/handbook/windows/setup.html and" in text
    assert "https://example.org/manual and is not." in text


def test_items_code_and_contents_keep_their_lines() -> None:
    def draw(canvas: Canvas) -> None:
        lines(
            canvas,
            [
                "1 Introduction to the rules of the harbour .................. 3",
                "2 Mooring and the order of the berths ...................... 12",
                "(a) the first item of the list is as long as the other lines of the page",
                "(b) the second item of the list is as long as the other lines",
            ],
        )
        canvas.setFont("Courier", 10)
        lines(
            canvas,
            [
                "def compute_total(items, discount, shipping_costs, tax_rate)",
                "    subtotal = sum(item.price * item.amount for item in items)",
            ],
            y=700,
        )

    text = read(drawn(draw)).text

    assert ". 3\n2 Mooring" in text
    assert "page\n(b)" in text
    assert "tax_rate)\n    subtotal" in text


def test_a_raised_number_after_a_number_is_marked() -> None:
    def draw(canvas: Canvas) -> None:
        text = canvas.beginText(60, 700)
        text.textOut("There are 10")
        text.setFont("Helvetica", 6)
        text.setRise(4)
        text.textOut("6")
        text.setRise(0)
        text.setFont("Helvetica", 10)
        text.textOut(" shells, and 1066 was a year.")
        canvas.drawText(text)

    assert read(drawn(draw)).text == "There are 10^6 shells, and 1066 was a year."


def test_bold_lines_of_the_size_of_the_text_are_headings_and_formulas_are_not() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica-Bold", 10)
        canvas.drawString(60, 780, "Scope of the agreement")
        canvas.drawString(60, 560, "{x | f(x) = 0}")
        canvas.setFont("Helvetica", 10)
        lines(canvas, [PROSE] * 14, y=766)

    parsed = read(drawn(draw))

    assert [heading.title for heading in parsed.headings] == ["Scope of the agreement"]
    assert "{x | f(x) = 0}" in parsed.text


def test_a_bookmark_makes_a_heading_of_its_line() -> None:
    def draw(canvas: Canvas) -> None:
        lines(canvas, ["Duties of the tenant", PROSE, PROSE])
        canvas.bookmarkPage("duties")
        canvas.addOutlineEntry("Duties of the tenant", "duties", 0)

    assert [one.title for one in read(drawn(draw)).headings] == ["Duties of the tenant"]


def test_running_heads_and_page_numbers_are_left_out_but_not_the_text_beside_them() -> None:
    def page(number: int) -> Callable[[Canvas], None]:
        def draw(canvas: Canvas) -> None:
            canvas.drawString(60, 810, f"Yearbook of the valley, chapter {number}")
            lines(canvas, [f"Sounding {chr(64 + number)} was taken at dusk."], y=790)
            canvas.drawString(300, 30, str(number))

        return draw

    parsed = read(drawn(*map(page, range(1, 6))))

    assert parsed.text == "\n\n".join(f"Sounding {mark} was taken at dusk." for mark in "ABCDE")


def test_a_head_with_a_number_that_never_changes_is_kept_once() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(60, 810, "Contract 2024-118 of the harbour")
        lines(canvas, [PROSE], y=700)

    assert read(drawn(*[draw] * 4)).text.count("Contract 2024-118") == 1


def test_letters_of_fonts_that_are_not_in_the_file_are_read_one_by_one_and_downwards() -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))

    def draw(canvas: Canvas) -> None:
        canvas.setFont("HeiseiMin-W3", 12)
        for number, letter in enumerate("縦書見本"):
            canvas.drawString(60 + 12 * number, 700, letter)

    assert read(drawn(draw)).text == "縦書見本"


def test_a_wrapped_japanese_sentence_has_no_blank() -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))

    def draw(canvas: Canvas) -> None:
        canvas.setFont("HeiseiMin-W3", 12)
        lines(
            canvas,
            [
                "東京湾の潮位表は毎年港湾局が発行しており船舶の安全航行のための基本資",
                "料として使われる。",
            ],
        )

    assert "基本資料として" in read(drawn(draw)).text


def test_values_of_fields_and_comments_are_text() -> None:
    def draw(canvas: Canvas) -> None:
        lines(canvas, ["Application for a mooring permit"])
        canvas.acroForm.textfield(name="boat", value="Ketch Sea Lavender", x=60, y=700)
        canvas.acroForm.textfield(name="empty", value="", x=60, y=600)
        canvas.acroForm.checkbox(name="resident", checked=True, x=60, y=500)
        canvas.textAnnotation("It must be eleven bar", Rect=[60, 400, 80, 420])

    text = read(drawn(draw)).text

    assert "boat: Ketch Sea Lavender" in text
    assert "resident: yes" in text
    assert "empty" not in text
    assert "Comment: It must be eleven bar" in text


def test_pages_without_text_are_named_in_one_warning() -> None:
    def text(canvas: Canvas) -> None:
        lines(canvas, [PROSE])

    def picture(canvas: Canvas) -> None:
        canvas.rect(60, 60, 300, 300, fill=1)

    parsed = read(drawn(text, picture, picture, picture, text, picture))

    assert parsed.warnings == (
        ParseWarning(
            WarningCode.PAGE_WITHOUT_TEXT,
            "pages 2 to 4 and 6 hold no text: nothing was recognized there",
        ),
    )


def test_bytes_before_the_header_are_passed_over() -> None:
    whole = samples.pdf(["first words", "second words"])

    parsed = read(b"HTTP/1.1 200 OK\r\n" * 200 + whole)

    assert parsed.text == "first words\n\nsecond words"


def test_a_whole_file_without_its_end_mark_is_read_with_a_warning() -> None:
    whole = samples.pdf(["first words", "second words"])
    start = whole.rindex(b"startxref")

    parsed = read(whole[:start] + b"%%EOF")

    assert parsed.text == "first words\n\nsecond words"
    assert [warning.code for warning in parsed.warnings] == [WarningCode.REPAIRED]


def test_a_damaged_page_costs_that_page_alone() -> None:
    data = samples.pdf(["first words", "second words", "third words"])
    second = data.index(b"/Type /Page\n", data.index(b"/Type /Page\n") + 1)

    parsed = read(data[:second] + b"/Type /Xage\n" + data[second + 12 :])

    assert "first words" in parsed.text
    assert "third words" in parsed.text


def test_a_file_whose_pages_are_all_damaged_is_refused() -> None:
    with pytest.raises((DocumentUnreadable, DocumentEmpty)):
        read(samples.corrupt_pdf())


def test_a_turned_page_is_read_as_it_is_shown() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(90)
        canvas.translate(595, 0)
        canvas.rotate(90)
        canvas.translate(0, -300)
        cells(canvas, by_columns=True)

    assert MARKDOWN in read(drawn(draw)).text
