"""Tables of a PDF whose cells are ruled by single lines."""

import io

from reportlab.lib import colors
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits

LIMITS = ParserLimits(100, 1_000_000)
NORMAL = getSampleStyleSheet()["Normal"]
GRID = ("GRID", (0, 0), (-1, -1), 0.5, colors.black)


def read(table: Table) -> str:
    out = io.BytesIO()
    SimpleDocTemplate(out, invariant=1).build([Paragraph("Above.", NORMAL), table])
    return parse_document(out.getvalue(), filename="x.pdf", limits=LIMITS).text


def test_wrapped_cells_of_a_grid_stay_in_their_rows() -> None:
    texts = [
        ["Item", "Meaning of the item that is described"],
        ["Mast", "A long pole that carries the sails of a ship and is inspected each year"],
        ["Keel", "The lowest part"],
    ]
    cells = [[Paragraph(text, NORMAL) for text in row] for row in texts]
    text = read(Table(cells, style=[GRID], colWidths=[60, 150]))
    assert text == (
        "Above.\n\n| Item | Meaning of the item that is described |\n| --- | --- |\n"
        "| Mast | A long pole that carries the sails of a ship and is inspected each year |\n"
        "| Keel | The lowest part |"
    )


def test_a_cell_over_two_columns_stays_in_the_table() -> None:
    spans = [("SPAN", (1, 0), (2, 0)), ("SPAN", (0, 0), (0, 1))]
    rows = [["Region", "Sales", ""], ["", "2022", "2023"], ["North", "12", "14"]]
    text = read(Table(rows, style=[GRID, *spans]))
    assert "| Region | Sales |  |\n| --- | --- | --- |\n|  | 2022 | 2023 |" in text


def test_narrow_cells_of_a_grid_are_a_table() -> None:
    rows = [["No", "Depot"], *([str(at), f"Depot{at}"] for at in range(4))]
    text = read(Table(rows, style=[GRID]))
    assert "| No | Depot |\n| --- | --- |\n| 0 | Depot0 |\n| 1 | Depot1 |" in text


def test_a_word_divided_in_a_cell_is_joined() -> None:
    rows = [["Term", "Kept"], ["The govern-\nment", "12"], ["The light-\nhouse", "7"]]
    text = read(Table(rows, style=[GRID], colWidths=[70, 70]))
    assert "| The government | 12 |" in text
    assert "| The lighthouse | 7 |" in text
