"""OpenDocument: texts, sheets and slides, with what is repeated, spanned, hidden and noted."""

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentEncrypted, TooManyPages
from ingest.domain.media_type import MediaType, detect
from ingest.domain.parse_warning import WarningCode
from tests.format_samples import odf, row, sheet
from tests.unit.parsing import assert_landmarks_are_exact, outline, page_texts

LIMITS = ParserLimits(max_pages=100, max_text_chars=50_000_000)


def parse(data: bytes, name: str = "x.odt") -> ParsedDocument:
    parsed = parse_document(data, filename=name, limits=LIMITS)
    assert_landmarks_are_exact(parsed)
    return parsed


def text(body: str, styles: str = "") -> ParsedDocument:
    return parse(odf("odt", body, styles=styles))


def codes(parsed: ParsedDocument) -> list[WarningCode]:
    return [warning.code for warning in parsed.warnings]


def test_headings_spaces_tabs_and_spans_are_kept() -> None:
    parsed = text(
        '<text:p text:style-name="Title">The  quay</text:p>'
        '<text:h text:outline-level="2">Knots</text:h>'
        '<text:p>a<text:s text:c="2"/>b<text:tab/>c<text:line-break/>d'
        "<text:span> e</text:span></text:p>"
    )

    assert outline(parsed) == [(1, "The quay"), (2, "Knots")]
    assert parsed.text.endswith("a  b\tc\nd e")


def test_lists_have_their_numbers_and_levels() -> None:
    styles = (
        '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" '
        'style:num-format="1" style:num-suffix=")" text:start-value="3"/></text:list-style>'
    )
    items = "<text:list-item><text:p>moor</text:p><text:list><text:list-item><text:p>twice</text:p>"
    items += "</text:list-item></text:list></text:list-item><text:list-item><text:p>rest</text:p>"

    parsed = text(f'<text:list text:style-name="L1">{items}</text:list-item></text:list>', styles)

    assert parsed.text == "3) moor\n  - twice\n4) rest"


def test_spanned_and_repeated_cells_keep_their_columns() -> None:
    cells = (
        '<table:table-cell table:number-columns-spanned="2"><text:p>wide</text:p>'
        "</table:table-cell>"
        "<table:covered-table-cell/><table:table-cell><text:p>77</text:p></table:table-cell>"
    )
    head = (
        '<table:table-cell table:number-columns-repeated="3"><text:p>x</text:p></table:table-cell>'
    )
    table = f"<table:table-row>{head}</table:table-row><table:table-row>{cells}</table:table-row>"

    parsed = text(f"<table:table>{table}</table:table>")

    assert parsed.text == "| x | x | x |\n| --- | --- | --- |\n| wide |  | 77 |"


def test_notes_comments_and_frames_come_after_their_paragraph() -> None:
    parsed = text(
        "<text:p>Quay<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>of 1903</text:p></text:note-body></text:note> is open"
        "<office:annotation><dc:creator>Ada</dc:creator><text:p>really?</text:p></office:annotation>"
        "<draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box>"
        "<svg:desc>a chart</svg:desc>"
        "</draw:frame>.</text:p><text:p>next</text:p>"
    )

    assert parsed.text.split("\n\n") == [
        *("Quay is open.", "boxed", "a chart", "next", "of 1903", "Comment by Ada: really?")
    ]


def test_hidden_and_deleted_words_are_left_out_and_hidden_ones_are_said() -> None:
    styles = (
        '<style:style style:name="T1"><style:text-properties text:display="none"/></style:style>'
        '<style:style style:name="T2" style:parent-style-name="T1"/>'
    )
    parsed = text(
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>gone</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        '<text:p>open <text:span text:style-name="T2">secret</text:span>words</text:p>',
        styles,
    )

    assert parsed.text == "open words"
    assert codes(parsed) == [WarningCode.HIDDEN_TEXT_LEFT_OUT]


def test_an_embedded_formula_and_chart_are_read_and_a_missing_object_is_said() -> None:
    math = (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mi>E</mi>'
        '<annotation encoding="StarMath 5.0">E = m c^2</annotation></semantics></math>'
    )
    frame = '<draw:frame><draw:object xlink:href="./{}"/></draw:frame>'.format
    body = f"<text:p>{frame('Object 1')}{frame('Object 2')}</text:p>"

    parsed = parse(odf("odt", body, parts={"Object 1/content.xml": math}))

    assert parsed.text == "E = m c^2"
    assert codes(parsed) == [WarningCode.PART_NOT_READ]


def test_a_sheet_shows_values_as_the_program_does() -> None:
    shown = (
        '<table:table-row><table:table-cell office:value-type="percentage" office:value="0.475">'
        '<text:p>47.5 %</text:p></table:table-cell><table:table-cell office:value="12.5"/>'
        '<table:table-cell table:formula="of:=A1"/></table:table-row>'
    )
    parsed = parse(odf("ods", sheet("Rates", row("a", "b", "c"), shown)), "x.ods")

    assert "| 47.5 % | 12.5 |" in parsed.text
    assert outline(parsed) == [(1, "Rates")]
    assert codes(parsed) == [WarningCode.VALUE_NOT_COMPUTED]


def test_a_million_repeated_rows_and_a_far_cell_cost_nothing() -> None:
    far = (
        '<table:table-row><table:table-cell table:number-columns-repeated="16000"/>'
        "<table:table-cell><text:p>far</text:p></table:table-cell></table:table-row>"
    )
    body = sheet(
        "S", row("a", "b"), row("same", "", repeated=1_048_576), row("", repeated=1_048_576), far
    )

    parsed = parse(odf("ods", body), "x.ods")

    assert parsed.text.count("same") == 1000
    assert "far" in parsed.text
    assert len(parsed.text) < 50_000
    assert codes(parsed) == [WarningCode.ROWS_CUT]


def test_blank_rows_separate_tables_and_each_sheet_is_a_page() -> None:
    first = sheet("One", row("a", "b"), row("1", "2"), row(""), row("c", "d"), row("3", "4"))

    parsed = parse(odf("ods", first + sheet("Two", row("x", "y"))), "x.ods")

    assert "| 1 | 2 |\n\n| c | d |\n| --- | --- |" in parsed.text
    assert [text.split("\n")[0] for text in page_texts(parsed)] == ["# One", "# Two"]


def test_too_many_sheets_are_refused() -> None:
    with pytest.raises(TooManyPages):
        parse(odf("ods", sheet("S", row("a")) * 101), "x.ods")


def test_slides_come_in_their_order_with_notes_last() -> None:
    frame = "<draw:frame{}><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>".format
    notes = frame(' presentation:class="notes"', "say hello")
    slide = (
        f"<draw:page><presentation:notes>{notes}</presentation:notes>{frame('', 'first words')}"
        + frame(' presentation:class="title"', "Tides")
        + frame(' presentation:placeholder="true"', "Click to add text")
        + "</draw:page>"
    )

    parsed = parse(odf("odp", slide + f"<draw:page>{frame('', 'second')}</draw:page>"), "x.odp")

    assert page_texts(parsed) == ["# Tides\n\nfirst words\n\nsay hello", "second"]


def test_a_protected_file_is_refused() -> None:
    manifest = '<m:manifest xmlns:m="x"><m:encryption-data/></m:manifest>'

    with pytest.raises(DocumentEncrypted):
        parse(odf("odt", "", parts={"META-INF/manifest.xml": manifest}))


def test_a_flat_file_is_read() -> None:
    flat = (
        '<?xml version="1.0"?><office:document '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:text>'
        "<text:p>flat words</text:p></office:text></office:body></office:document>"
    )

    assert parse(flat.encode(), "x.fodt").text == "flat words"


def test_the_content_decides_over_the_name() -> None:
    data = odf("ods", sheet("S", row("a", "b")))

    assert detect(data, filename="x.odt") is MediaType.ODS
    assert detect(data, filename="x") is MediaType.ODS


def test_headers_and_footers_of_pages_come_once_at_the_end() -> None:
    master = (
        "<office:master-styles><style:master-page><style:header><text:p>Harbour rules</text:p>"
        "</style:header><style:header-left><text:p>Harbour rules</text:p></style:header-left>"
        "<style:footer><text:p>7</text:p></style:footer></style:master-page>"
        "</office:master-styles>"
    )
    parsed = text("<text:p>Body</text:p>", styles=master)

    assert parsed.text == "Body\n\nHarbour rules"


def test_a_section_in_a_cell_is_read() -> None:
    parsed = text(
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
        "<table:table-cell><text:section><text:p>in a section</text:p></text:section>"
        "</table:table-cell></table:table-row></table:table>"
    )

    assert "| a | in a section |" in parsed.text


def test_a_picture_without_an_alternative_text_leaves_a_warning() -> None:
    image = '<draw:image xlink:href="Pictures/a.png"/>'
    bare = text(f"<text:p>a<draw:frame>{image}</draw:frame></text:p>")
    told = text(f"<text:p>a<draw:frame>{image}<svg:desc>Map</svg:desc></draw:frame></text:p>")

    assert codes(bare) == [WarningCode.PART_NOT_READ]
    assert codes(told) == []


def test_a_number_of_a_list_shows_its_prefix_and_the_levels_above() -> None:
    def level(number: int, marks: str) -> str:
        return f'<text:list-level-style-number text:level="{number}" style:num-format="1" {marks}/>'

    style = (
        '<office:automatic-styles><text:list-style style:name="L">'
        + level(1, 'style:num-suffix="."')
        + level(2, 'style:num-suffix="." text:display-levels="2"')
        + level(3, 'style:num-prefix="(" style:num-suffix=")"')
        + "</text:list-style></office:automatic-styles>"
    )
    third = "<text:list><text:list-item><text:p>c</text:p></text:list-item></text:list>"
    second = f"<text:list><text:list-item><text:p>b</text:p>{third}</text:list-item></text:list>"
    items = (
        "<text:list-item><text:p>a</text:p></text:list-item>"
        f"<text:list-item><text:p>a2</text:p>{second}</text:list-item>"
    )

    parsed = text(f'<text:list text:style-name="L">{items}</text:list>', styles=style)

    assert parsed.text == "1. a\n2. a2\n  2.1. b\n    (1) c"


def test_numbered_headings_keep_the_number_that_the_program_shows() -> None:
    def level(number: int, marks: str) -> str:
        return f'<text:outline-level-style text:level="{number}" {marks}/>'

    styles = (
        "<office:styles><text:outline-style>"
        + level(1, 'style:num-format="1" style:num-suffix="."')
        + level(2, 'style:num-format="1" text:display-levels="2"')
        + level(3, 'style:num-format=""')
        + "</text:outline-style></office:styles>"
    )

    def heading(number: int, more: str = "") -> str:
        return f'<text:h text:outline-level="{number}" {more}>Quay</text:h>'

    body = heading(1) + heading(2) + heading(2) + heading(3) + heading(1)
    body += heading(1, 'text:is-list-header="true"') + heading(2)
    body += heading(1, 'text:restart-numbering="true" text:start-value="9"')

    assert outline(text(body, styles)) == [
        (1, "1. Quay"), (2, "1.1 Quay"), (2, "1.2 Quay"), (3, "Quay"), (1, "2. Quay"),
        (1, "Quay"), (2, "2.1 Quay"), (1, "9. Quay"),
    ]  # fmt: skip


def test_a_heading_in_a_numbered_list_keeps_its_number() -> None:
    styles = (
        '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" '
        'style:num-format="I"/></text:list-style>'
    )
    heading = '<text:list-item><text:h text:outline-level="1">Quay</text:h></text:list-item>'

    parsed = text(f'<text:list text:style-name="L1">{heading * 2}</text:list>', styles)

    assert outline(parsed) == [(1, "I. Quay"), (1, "II. Quay")]
