"""Rich text: charsets, headings, lists, tables, notes, and what is not text."""

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import ParserLimitExceeded
from ingest.domain.parse_warning import WarningCode
from tests.format_samples import rtf
from tests.unit.parsing import assert_landmarks_are_exact, outline

LIMITS = ParserLimits(max_pages=100, max_text_chars=50_000_000)


def parse(data: bytes) -> ParsedDocument:
    parsed = parse_document(data, filename="x.rtf", limits=LIMITS)
    assert_landmarks_are_exact(parsed)
    return parsed


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (1250, "žluťoučký kůň"),
        (1251, "Журнал маяка"),
        (1253, "λιμάνι"),
        (932, "東京湾の表"),
        (936, "港口日志"),
        (949, "항구"),
        (950, "港口日誌"),
    ],
)
def test_bytes_are_in_the_code_page_of_the_document(page: int, words: str) -> None:
    raw = b"".join(b"\\'%02x" % byte for byte in words.encode(f"cp{page}"))

    assert parse(b"{\\rtf1\\ansi\\ansicpg%d " % page + raw + b"\\par}").text == words


def test_a_font_has_a_charset_of_its_own() -> None:
    raw = b"".join(b"\\'%02x" % byte for byte in "маяк".encode("cp1251"))
    fonts = rb"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset2 Symbol;}}"

    parsed = parse(
        rb"{\rtf1\ansi\ansicpg1252\deff0" + fonts + rb"\f0 caf\'e9 {\f1 " + raw + rb"} {\f2 a}}"
    )

    assert parsed.text == "café маяк α"


def test_unicode_escapes_replace_the_characters_after_them() -> None:
    parsed = parse(
        rtf(r"\uc1 \u8364? 5 {\uc0\u945}b \uc2\u8211\'96\'96 \u-10179?\uc1\u-8704? end\par")
    )

    assert parsed.text.startswith("€ 5 αb –")
    assert parsed.text.endswith("end")


def test_headings_are_found_by_style_and_by_outline_level() -> None:
    parsed = parse(
        rtf(r"\pard\s1 Ropes\par\pard words\par\pard\outlinelevel1 Knots\par\pard more\par")
    )

    assert outline(parsed) == [(1, "Ropes"), (2, "Knots")]
    assert parsed.text == "# Ropes\n\nwords\n\n## Knots\n\nmore"


def test_tables_keep_their_rows_and_empty_cells() -> None:
    row = r"\trowd\cellx1000\cellx2000\cellx3000\pard\intbl {}\cell {}\cell {}\cell\row ".format
    parsed = parse(
        rtf(row("berth", "", "depth") + row("4", r"a\par b", "7 m") + r"\pard after\par")
    )

    assert parsed.text == "| berth |  | depth |\n| --- | --- | --- |\n| 4 | a b | 7 m |\n\nafter"


def test_list_items_keep_their_numbers() -> None:
    items = (
        r"\pard{\listtext 1.\tab}moor\par{\listtext 2.\tab}cast off\par{\listtext\'b7\tab}rest\par"
    )

    assert parse(rtf(items)).text == "1. moor\n2. cast off\n- rest"


def test_notes_come_last_and_hidden_and_deleted_words_do_not_come() -> None:
    parsed = parse(
        rtf(
            r"The quay{\footnote\pard of 1903\par} is {\v secret }open{\deleted  or shut}."
            r"{\*\annotation ask Ada}\par{\header page head}"
        )
    )

    assert parsed.text == "The quay is open.\n\nof 1903\n\nComment: ask Ada\n\npage head"
    assert [warning.code for warning in parsed.warnings] == [WarningCode.HIDDEN_TEXT_LEFT_OUT]


def test_pictures_in_hex_and_in_binary_are_no_text() -> None:
    binary = rtf(r"before {\pict\pngblip BIN} after\par").replace(
        b"BIN", b"\\bin12 \x89PNG}}{\\par\x00\x01"
    )
    hexadecimal = rtf(r"before {\*\shppict{\pict\pngblip " + "89504e47" * 5000 + r"}} after\par")

    assert parse(binary).text == "before  after"
    assert parse(hexadecimal).text == "before  after"


def test_a_field_shows_its_result_and_an_object_is_said() -> None:
    parsed = parse(
        rtf(
            r'See {\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt the plan}}.'
            r"{\object{\*\objdata 0102}{\result Total 7}}\par"
        )
    )

    assert parsed.text == "See the plan.Total 7"
    assert [warning.code for warning in parsed.warnings] == [WarningCode.PART_NOT_READ]


def test_html_inside_rich_text_is_read_as_html() -> None:
    body = (
        rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\*\htmltag64 <h1>}\htmlrtf {\b \htmlrtf0 Dues"
        rb"\htmlrtf }\htmlrtf0{\*\htmltag72 </h1>}{\*\htmltag64 <p>}1 < 2 \'e9{\*\htmltag72 </p>}}"
    )

    assert parse(body).text == "# Dues\n\n1 < 2 é"


def test_a_file_that_ends_early_keeps_its_words_and_is_said() -> None:
    parsed = parse(rtf(r"first words\par second words")[:-1])

    assert parsed.text == "first words\n\nsecond words"
    assert [warning.code for warning in parsed.warnings] == [WarningCode.REPAIRED]


def test_groups_nested_without_end_are_refused() -> None:
    with pytest.raises(ParserLimitExceeded, match="deep"):
        parse(b"{\\rtf1" + b"{" * 20_000 + b"x")


def test_a_power_stays_a_power() -> None:
    assert parse(rtf(r"10{\super 6} m\par")).text == "10^6 m"


def test_headers_and_footers_come_once_at_the_end_and_page_numbers_do_not() -> None:
    parsed = parse(
        rb"{\rtf1\ansi{\header\pard Harbour\cell rules\cell\row}"
        rb"{\headerf\pard Harbour rules\par}"
        rb"{\footer\pard 7\par}\pard Body\par}"
    )

    assert parsed.text == "Body\n\nHarbour rules"


def test_formulas_and_text_boxes_of_older_versions_are_read() -> None:
    fraction = rb"{\mf{\*\mfPr{\*\mctrlPr}}{\mnum{\mr 12}}{\mden{\mr 34}}}"
    parsed = parse(
        rb"{\rtf1\ansi\pard so {\mmath{\*\moMathPara{\*\moMath" + fraction + rb"}}}\par"
        rb"{\*\do\dobxcolumn\dptxbx{\dptxbxtext\pard In a box\par}}}"
    )

    assert parsed.text == "so 12/34\n\nIn a box"


def test_pictures_are_counted_once_in_a_warning() -> None:
    both = r"{\*\shppict{\pict\pngblip 89504e47}}{\nonshppict{\pict\wmetafile8 0100}}"

    parsed = parse(rtf(rf"one {both} two {{\pict\jpegblip ffd8}} three\par"))

    assert [warning.code for warning in parsed.warnings] == [WarningCode.PART_NOT_READ]
    assert parsed.warnings[0].message.startswith("2 pictures have no alternative text")
