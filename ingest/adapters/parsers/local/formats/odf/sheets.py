"""Writes the sheets of an OpenDocument spreadsheet: one page for each sheet."""

from ingest.adapters.parsers.local.formats.odf.block_writer import BlockWriter
from ingest.adapters.parsers.local.formats.odf.styles import attribute
from ingest.adapters.parsers.local.formats.tables import without_blank_columns, write_rows
from ingest.adapters.parsers.local.formats.trees import Element, local_name
from ingest.domain.parse_warning import WarningCode

_VALUES = ("string-value", "date-value", "time-value", "boolean-value", "value")


def write_sheets(body: Element, writer: BlockWriter) -> None:
    """Write all sheets; values are those that the sheet shows.

    Raises:
        TooManyPages: there are more sheets than the limit.
    """
    sheets = [child for child in body if local_name(child) == "table"]
    writer.draft.expect_pages(len(sheets))
    for number, sheet in enumerate(sheets, start=1):
        writer.draft.begin_page(number)
        _OdfSheet(writer, attribute(sheet, "name")).write(sheet)


class _OdfSheet:
    def __init__(self, writer: BlockWriter, name: str) -> None:
        self._writer = writer
        self._name = name
        self._without_value = 0

    def write(self, sheet: Element) -> None:
        """Write the heading, the tables, and what lies on the sheet."""
        writer = self._writer
        writer.show_cell = self._cell
        rows = list(writer.rows(sheet))
        shapes = [shape for child in sheet if local_name(child) == "shapes" for shape in child]
        if any(rows) or shapes:
            writer.draft.add_heading(1, self._name)
        write_rows(without_blank_columns(rows), writer.draft, split_at_blank_rows=True)
        writer.flush_shapes()
        for shape in shapes:
            writer.write_shape(shape)
        writer.end()
        if self._without_value:
            writer.draft.warn(
                WarningCode.VALUE_NOT_COMPUTED,
                f"{self._without_value} formulas of the sheet {self._name} have no stored value",
            )

    def _cell(self, cell: Element) -> str:
        for child in cell:
            name = local_name(child)
            if name == "annotation":
                self._writer.add_comment(child)
            elif name not in {"p", "h", "list", "table"}:
                self._writer.keep_shape(child)
        shown = self._writer.paragraphs(cell)
        if shown:
            return shown
        value = next(filter(None, (attribute(cell, name) for name in _VALUES)), "")
        if not value and attribute(cell, "formula"):
            self._without_value += 1
        return value
