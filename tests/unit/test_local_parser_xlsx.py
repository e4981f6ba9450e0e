"""Workbooks: values as the sheet shows them, tables apart, and what lies on a sheet."""

import datetime
import io

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment

from ingest.adapters.parsers.local.formats.office.number_format import NumberFormat
from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode
from tests import samples
from tests.unit.parsing import Parse, page_texts

SHEET = "xl/worksheets/sheet1.xml"


def saved(workbook: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def sheet(rows: str, after: str = "") -> bytes:
    """A workbook with one sheet of hand-written rows."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return samples.with_new_part(
        samples.xlsx(),
        SHEET,
        f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData>{after}</worksheet>',
    )


def warned(parsed: ParsedDocument) -> dict[WarningCode, str]:
    return {warning.code: warning.message for warning in parsed.warnings}


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("0.0%", 0.475, "47.5%"),
        ("0%", -0.005, "-1%"),
        ("00000", 7, "00007"),
        ("000-00-0000", 123456789, "123-45-6789"),
        ("#,##0.00", 1234567.005, "1,234,567.01"),
        ("#,##0", 999.5, "1,000"),
        ('#,##0.00 "EUR"', -1234.5, "-1,234.50 EUR"),
        ("[$€-407] #,##0.00", 12.5, "€ 12.50"),
        ('_-* #,##0.00 "kr"_-;-* #,##0.00 "kr"_-', -99.5, "-99.50 kr"),
        ("#,##0;[Red](#,##0)", -1500, "(1,500)"),
        ('0.00;-0.00;"nil"', 0, "nil"),
        ('[>=1000]0.0,"k";0', 1540, "1.5k"),
        ('[>=1000]0.0,"k";0', 40, "40"),
        ("0.00E+00", 6.022e23, "6.02E+23"),
        ("0.0E-0", 0.00052, "5.2E-4"),
        ("##0.0E+0", 12345, "12.3E+3"),
        ("# ?/?", 2.5, "2 1/2"),
        ("# ??/??", 0.3125, "5/16"),
        ("# ?/8", -1.25, "-1 2/8"),
        ("?/?", 1.5, "3/2"),
        ("0.##", 3, "3."),
        (".00", 1.5, "1.50"),
        (";;;", 5, "5"),
        ("0;-0;", 0, ""),
        ("+00 00 00", 304050, "+30 40 50"),
        ('"No. "0', 12, "No. 12"),
        ("General", 0.1 + 0.2, "0.3"),
        ("@", 42, "42"),
        ("yyyy-mm-dd", 46205, "2026-07-02"),
        ("[$-409]d\\-mmm\\-yy;@", 45725, "2025-03-09"),
        ("dd/mm/yyyy hh:mm", 45650.77083333334, "2024-12-24 18:30"),
        ("mmm yyyy", 46205, "2026-07-02"),
        ("yyyy", 46205, "2026"),
        ("yyyy-mm-dd", 60, "1900-02-29"),
        ("yyyy-mm-dd", 1, "1900-01-01"),
        ("yyyy-mm-dd", 3e7, "30000000"),
        ("h:mm", 0.3229166666666667, "7:45"),
        ("h:mm AM/PM", 0.75, "6:00 PM"),
        ("h:mm AM/PM", 0.0, "12:00 AM"),
        ("[h]:mm:ss", 1.5, "36:00:00"),
        ("[hh]:mm", 4.25, "102:00"),
        ("[mm]:ss", 0.0625, "90:00"),
        ("[h]:mm", -0.5, "-12:00"),
        ("mm:ss.0", 0.00001157407, "00:01.0"),
    ],
)
def test_a_number_is_shown_by_its_format(code: str, value: float, shown: str) -> None:
    assert NumberFormat(code).show(value) == shown


def test_dates_of_the_1904_system_are_four_years_later() -> None:
    assert NumberFormat("yyyy-mm-dd", date1904=True).show(42129) == "2019-05-06"


async def test_built_in_formats_errors_and_booleans_are_shown(parse: Parse) -> None:
    workbook = openpyxl.Workbook()
    cells = workbook.active
    for row, (value, code) in enumerate(
        [
            (0.25, "0%"),
            (datetime.date(2026, 7, 2), "mm-dd-yy"),
            (46205.770833333336, "m/d/yy h:mm"),
            (datetime.timedelta(hours=49, minutes=3), "[h]:mm:ss"),
            ("#DIV/0!", "General"),
            (False, "General"),
        ],
        start=1,
    ):
        cells.cell(row, 1, "v")
        cells.cell(row, 2, value).number_format = code

    parsed = await parse("x.xlsx", saved(workbook))

    values = [line.split(" | ")[1].removesuffix(" |") for line in parsed.text.split("\n")[2:]]
    del values[1]
    assert values == ["25%", "2026-07-02", "2026-07-02 18:30", "49:03:00", "#DIV/0!", "FALSE"]


async def test_two_tables_stay_two_and_a_gap_within_one_does_not_split_it(parse: Parse) -> None:
    rows = [["Name", "Age"], ["Olga", 41], [], ["Ivar", 30], [], [], ["City", "Mayor"], ["A", "B"]]
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)

    parsed = await parse("x.xlsx", saved(workbook))

    assert parsed.text.split("\n\n")[1:] == [
        "| Name | Age |\n| --- | --- |\n| Olga | 41 |\n| Ivar | 30 |",
        "| City | Mayor |\n| --- | --- |\n| A | B |",
    ]


async def test_a_caption_is_no_head_of_its_table(parse: Parse) -> None:
    workbook = openpyxl.Workbook()
    for row in [["Stock of July"], ["Article", "On hand"], ["Rope", 3]]:
        workbook.active.append(row)

    parsed = await parse("x.xlsx", saved(workbook))

    assert "\n\nStock of July\n\n| Article | On hand |\n| --- | --- |\n" in parsed.text


async def test_a_head_after_one_blank_row_begins_a_table(parse: Parse) -> None:
    workbook = openpyxl.Workbook()
    for row in [["Name", "Age"], ["Olga", 41], [], ["City", "Mayor"], ["Hobro", "Niels"]]:
        workbook.active.append(row)

    parsed = await parse("x.xlsx", saved(workbook))

    assert "| Olga | 41 |\n\n| City | Mayor |\n| --- | --- |\n| Hobro" in parsed.text


async def test_a_stray_cell_far_off_costs_neither_the_sheet_nor_thousands_of_columns(
    parse: Parse,
) -> None:
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Member</t></is></c><c r="B1"><v>1</v></c>'
        '<c r="XFD1" t="inlineStr"><is><t>far right</t></is></c></row>'
        '<row r="1048576"><c r="A1048576" t="inlineStr"><is><t> </t></is></c>'
        '<c r="C1048576" t="inlineStr"><is><t>far below</t></is></c></row>'
    )

    parsed = await parse("x.xlsx", sheet(rows))

    assert parsed.text.endswith(
        "| Member | 1 |  | far right |\n| --- | --- | --- | --- |\n\nfar below"
    )


async def test_cells_without_places_and_rows_without_numbers_are_read(parse: Parse) -> None:
    rows = "<row><c><v>1</v></c><c/><c><v>3</v></c></row>"
    rows += "<row><c><v>4</v></c><c t='b'><v>1</v></c></row>"

    parsed = await parse("x.xlsx", sheet(rows))

    assert parsed.text.endswith("| 1 |  | 3 |\n| --- | --- | --- |\n| 4 | TRUE |  |")


async def test_formulas_without_values_are_shown_and_warned_of(parse: Parse) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["Sum", "=SUM(B2:B9)"])

    parsed = await parse("x.xlsx", saved(workbook))

    assert "| Sum | =SUM(B2:B9) |" in parsed.text
    assert "'Sheet'" in warned(parsed)[WarningCode.VALUE_NOT_COMPUTED]
    assert "(B1)" in warned(parsed)[WarningCode.VALUE_NOT_COMPUTED]


async def test_a_formula_whose_value_is_an_empty_text_is_no_fault(parse: Parse) -> None:
    rows = '<row><c><v>1</v></c><c t="str"><f>IF(A1,"","x")</f><v></v></c></row>'

    parsed = await parse("x.xlsx", sheet(rows))

    assert not parsed.warnings


async def test_texts_keep_their_runs_codes_and_powers_but_no_readings(parse: Parse) -> None:
    rows = (
        '<row><c t="inlineStr"><is><r><t>10</t></r><r><rPr><vertAlign val="superscript"/></rPr>'
        "<t>6</t></r><r><t> m</t></r></is></c>"
        '<c t="inlineStr"><is><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></is></c>'
        '<c t="str"><v>one_x000D_two</v></c></row>'
    )

    parsed = await parse("x.xlsx", sheet(rows))

    assert "| 10^6 m | 東京 | one two |" in parsed.text


async def test_notes_charts_and_headers_follow_the_table(parse: Parse) -> None:
    workbook = openpyxl.Workbook()
    cells = workbook.active
    for row in [["Island", "Barrels"], ["Samso", 12], ["Fyn", 5678]]:
        cells.append(row)
    cells["B2"].comment = Comment("measured by Rasmus", "R")
    cells.oddFooter.left.text = "Harbour office &P"
    chart = BarChart()
    chart.title = "Barrels by island"
    chart.add_data(Reference(cells, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    cells.add_chart(chart, "D2")

    parsed = await parse("x.xlsx", saved(workbook))

    for text in ("Note on B2: measured by Rasmus", "Barrels by island", "Harbour office"):
        assert parsed.text.count(text) == 1


async def test_hidden_sheets_and_rows_are_read(parse: Parse) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["open words"])
    workbook.active.append(["hidden row words"])
    workbook.active.row_dimensions[2].hidden = True
    secret = workbook.create_sheet("Secret")
    secret.append(["secret words"])
    secret.sheet_state = "veryHidden"

    parsed = await parse("x.xlsx", saved(workbook))

    assert page_texts(parsed) == [
        "# Sheet\n\nopen words\nhidden row words",
        "# Secret\n\nsecret words",
    ]


async def test_a_cell_that_names_a_text_the_file_lacks_is_warned_of(parse: Parse) -> None:
    parsed = await parse("x.xlsx", sheet('<row><c><v>1</v></c><c t="s"><v>999</v></c></row>'))

    assert "1 cells" in warned(parsed)[WarningCode.ROWS_CUT]
