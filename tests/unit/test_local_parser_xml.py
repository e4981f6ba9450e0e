"""XML: sections of documents, records of data, and the names of elements where they mean much."""

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode
from tests.unit.parsing import outline

LIMITS = ParserLimits(max_pages=100, max_text_chars=50_000_000)


def parse(markup: str, name: str = "x.xml") -> ParsedDocument:
    return parse_document(markup.encode(), filename=name, limits=LIMITS)


def test_sections_of_a_document_have_their_titles_as_headings() -> None:
    parsed = parse(
        "<book xmlns='http://docbook.org/ns/docbook'><info><title>Pilots</title></info>"
        "<chapter><title>Ropes</title><para>Use <emphasis>dry</emphasis> rope.</para>"
        "<section><title>Knots</title><para>Bowline &amp; hitch.</para>"
        "<itemizedlist><listitem><para>one</para></listitem></itemizedlist></section></chapter>"
        "</book>"
    )

    assert outline(parsed) == [(1, "Pilots"), (2, "Ropes"), (3, "Knots")]
    assert "Use dry rope." in parsed.text
    assert "Bowline & hitch." in parsed.text
    assert "one" in parsed.text


def test_tables_of_a_document_keep_their_cells() -> None:
    rows = "".join(
        f"<row><entry>{a}</entry><entry>{b}</entry></row>"
        for a, b in (("berth", "depth"), ("4", "7 m"))
    )
    parsed = parse(f"<article><table><tgroup><tbody>{rows}</tbody></tgroup></table></article>")

    assert parsed.text == "| berth | depth |\n| --- | --- |\n| 4 | 7 m |"


def test_records_are_a_table_and_fields_have_their_names() -> None:
    ships = "".join(
        f"<ship id='{n}'><name>Ada {n}</name><tons>{n}0</tons></ship>" for n in (1, 2, 3)
    )

    parsed = parse(f"<fleet port='Ribe'><owner>Skov</owner><ships>{ships}</ships></fleet>")

    assert parsed.text == (
        "fleet (port: Ribe)\nowner: Skov\nship:\n\n| id | name | tons |\n| --- | --- | --- |\n"
        "| 1 | Ada 1 | 10 |\n| 2 | Ada 2 | 20 |\n| 3 | Ada 3 | 30 |"
    )


def test_attributes_of_fields_are_kept() -> None:
    parsed = parse("<order><weight unit='kg'>12</weight><paid by='Ada'/></order>")

    assert parsed.text == "order\nweight (unit: kg): 12\npaid (by: Ada)"


def test_html_in_a_feed_becomes_text() -> None:
    parsed = parse(
        "<rss><channel><item><title>Dues</title>"
        "<description>&lt;p&gt;Dues &lt;b&gt;rise&lt;/b&gt;&lt;/p&gt;</description>"
        "</item></channel></rss>"
    )

    assert "Dues rise" in parsed.text
    assert "<p>" not in parsed.text


def test_entities_of_the_document_are_words_and_outside_ones_are_not_fetched() -> None:
    inside = parse("<!DOCTYPE a [<!ENTITY co 'Skov and Son'>]><a>The quay of &co; is closed.</a>")
    outside = parse(
        "<!DOCTYPE a [<!ENTITY co SYSTEM 'file:///etc/passwd'>]><a>The quay &co; is closed.</a>"
    )

    assert inside.text == "a: The quay of Skov and Son is closed."
    assert "is closed." in outside.text
    assert "root:" not in outside.text


def test_entities_that_multiply_are_stopped() -> None:
    levels = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 9))

    parsed = parse(f"<!DOCTYPE a [<!ENTITY e0 'many '>{levels}]><a>words &e8;</a>")

    assert len(parsed.text) < 100_000
    assert parsed.warnings


@pytest.mark.parametrize("markup", ["<a><b>rope</a>", "<a>rope & quay</a>", "<a>rope</a><b/>"])
def test_broken_xml_keeps_its_words_and_is_said(markup: str) -> None:
    parsed = parse(markup)

    assert "rope" in parsed.text
    assert parsed.warnings[0].code in {WarningCode.REPAIRED, WarningCode.STRUCTURE_NOT_READ}


def test_elements_nested_10000_deep_lose_no_word() -> None:
    parsed = parse("<a>" * 10_000 + "deep words" + "</a>" * 10_000)

    assert "deep words" in parsed.text
    assert parsed.warnings


def test_the_words_of_a_drawing_are_read() -> None:
    parsed = parse(
        "<svg xmlns='http://www.w3.org/2000/svg'><style>.a{fill:red}</style><title>Quay</title>"
        "<path d='M0 0'/><text>Berth <tspan>4</tspan></text></svg>",
        "x.svg",
    )

    assert parsed.text == "Quay\n\nBerth 4"


def test_a_sheet_of_spreadsheet_xml_is_a_table() -> None:
    cell = "<Cell><Data>{}</Data></Cell>".format
    parsed = parse(
        "<?xml version='1.0'?><Workbook xmlns:ss='urn:x'><Worksheet ss:Name='S'><Table>"
        f"<Row>{cell('a')}{cell('b')}{cell('c')}</Row>"
        f"<Row>{cell('1')}<Cell ss:Index='3'><Data>3</Data></Cell></Row>"
        "</Table></Worksheet></Workbook>",
        "x.xls",
    )

    assert "| 1 |  | 3 |" in parsed.text


def test_the_title_and_caption_of_a_table_are_kept() -> None:
    docbook = parse(
        "<article><table><title>Depths of the quay</title><tgroup><tbody><row><entry>a</entry>"
        "<entry>b</entry></row></tbody></tgroup></table></article>"
    )
    tei = parse(
        "<div><table><head>Tolls</head><row><cell>x</cell><cell>y</cell></row></table></div>"
    )

    assert docbook.text.startswith("Depths of the quay\n\n| a | b |")
    assert tei.text.startswith("Tolls\n\n| x | y |")


def test_many_titles_in_one_section_are_all_read() -> None:
    # A look at the whole section for each of them would take minutes.
    titles = "".join(f"<title>Berth {number}</title>" for number in range(20_000))

    parsed = parse(f"<book><section>{titles}</section></book>")

    assert parsed.text.count("Berth") == 20_000
    assert parsed.text.endswith("Berth 19999")


def test_paragraphs_in_a_cell_are_kept_apart_and_words_are_kept_whole() -> None:
    parsed = parse("<table><tr><td><p>one</p><p>two</p></td><td>H<sub>2</sub>O</td></tr></table>")

    assert parsed.text.startswith("| one two | H2O |")
