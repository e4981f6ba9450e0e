"""Tables of text: the delimiter and the quotes are found out, and no cell is lost."""

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import ParserLimitExceeded
from ingest.domain.parse_warning import WarningCode

LIMITS = ParserLimits(max_pages=100, max_text_chars=50_000_000)


def parse(data: bytes, name: str = "x.csv") -> ParsedDocument:
    return parse_document(data, filename=name, limits=LIMITS)


def codes(parsed: ParsedDocument) -> list[WarningCode]:
    return [warning.code for warning in parsed.warnings]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(delimiter: str) -> None:
    rows = [["name", "town"], ["Ada", "Ribe"], ["Bo", "Esbjerg"]]
    data = "\r\n".join(delimiter.join(row) for row in rows).encode()

    assert parse(data).text == "| name | town |\n| --- | --- |\n| Ada | Ribe |\n| Bo | Esbjerg |"


def test_decimal_commas_do_not_split_values() -> None:
    parsed = parse(b"Preis;Menge\n1,50;2,25\n3,75;4,00\n")

    assert "| 1,50 | 2,25 |" in parsed.text


def test_decimal_commas_without_a_head_do_not_split_values() -> None:
    assert "| 1,5 | 2,5 |" in parse(b"1,5;2,5\n3,5;4,5\n").text


def test_semicolons_inside_values_do_not_split_them() -> None:
    data = b"name,tags\nmoor,a;b\ncrane,c;d\nquay,e;f\n"

    assert "| moor | a;b |" in parse(data).text


def test_quotes_keep_delimiters_line_ends_and_quotes() -> None:
    data = b'a,b\n"one, two","line 1\nline 2"\n"say ""ahoy""",x\n'

    parsed = parse(data)

    assert "| one, two | line 1 line 2 |" in parsed.text
    assert '| say "ahoy" | x |' in parsed.text


def test_single_quotes_and_backslashes_are_found_out() -> None:
    assert "| x, y | z |" in parse(b"'a','b'\n'x, y','z'\n").text
    assert '| 3 "inch" pipe | z |' in parse(b'"a","b"\n"3 \\"inch\\" pipe","z"\n').text


def test_a_quote_without_an_end_loses_no_row_and_is_said() -> None:
    data = b'a,b\n1,"x\n2,y\n3,z\n4,w\n'

    parsed = parse(data)

    assert all(f"| {n} |" in parsed.text for n in (1, 2, 3, 4))
    assert codes(parsed) == [WarningCode.REPAIRED]


def test_a_title_above_the_table_is_text_and_the_head_stays_the_head() -> None:
    parsed = parse(b"Stock of the quay,,\n,,\nitem,count,place\nrope,3,shed\n")

    assert parsed.text.startswith("Stock of the quay\n\n| item | count | place |\n| --- |")


def test_a_blank_row_before_another_width_begins_another_table() -> None:
    parsed = parse(b"a,b\n1,2\n\nx,y,z\n3,4,5\n")

    assert "| 1 | 2 |\n\n| x | y | z |\n| --- | --- | --- |" in parsed.text


def test_short_and_long_rows_keep_their_cells() -> None:
    parsed = parse(b"a,b,c\n1\n1,2,3,4\n5,6,7\n8,9,10\n")

    assert "| 1 | 2 | 3 | 4 |" in parsed.text
    assert "| 5 | 6 | 7 |" in parsed.text


def test_a_declared_delimiter_is_no_row() -> None:
    assert parse(b"sep=;\na;b\n1;2\n").text.startswith("| a | b |")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_charsets_of_spreadsheet_programs_are_read(encoding: str) -> None:
    parsed = parse("Größe\tOrt\n3\tÅrhus\n".encode(encoding), "x.tsv")

    assert "| Größe | Ort |" in parsed.text
    assert "| 3 | Århus |" in parsed.text


def test_a_table_of_text_under_the_name_of_a_workbook_is_read() -> None:
    assert "| 1 | 2 |" in parse(b"a\tb\n1\t2\n", "report.xls").text


def test_prose_under_the_name_of_a_table_stays_prose() -> None:
    words = "Dear all, the quay is closed.\nIt opens again on Monday\nor later, they say, maybe"

    assert parse(words.encode()).text == words


def test_a_table_of_500_columns_keeps_them_all() -> None:
    rows = [",".join(f"{kind}{n}" for n in range(500)) for kind in ("c", "v")]

    parsed = parse("\n".join(rows).encode())

    head, _, values = parsed.text.split("\n")
    assert head.count("|") == values.count("|") == 501
    assert "| v499 |" in values


def test_more_columns_than_a_sheet_has_are_kept_as_text_and_said() -> None:
    data = ",".join(map(str, range(20_000))).encode()

    parsed = parse(data)

    assert parsed.text == data.decode()
    assert codes(parsed) == [WarningCode.STRUCTURE_NOT_READ]


def test_a_line_of_200_megabytes_is_refused_before_it_is_split() -> None:
    with pytest.raises(ParserLimitExceeded, match="longer than the limit"):
        parse(b"12345,6789," * (200_000_000 // 11))
