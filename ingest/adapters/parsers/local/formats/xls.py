"""Reads legacy workbooks (BIFF, .xls) with xlrd: one page for each sheet."""

import io
from typing import Any

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.office.number_format import (
    BUILT_IN,
    GENERAL,
    NumberFormat,
    show_general,
)
from ingest.adapters.parsers.local.formats.tables import (
    column_name,
    without_blank_columns,
    write_rows,
)
from ingest.domain.errors import DocumentEncrypted, DocumentUnreadable


def parse_xls(data: bytes, draft: Draft) -> None:
    """Read a workbook: values as their number formats show them, notes of cells last.

    Raises:
        TooManyPages: there are more sheets than the limit.
        DocumentEncrypted: the workbook is protected by a password.
        DocumentUnreadable: the workbook is corrupt.
    """
    import xlrd  # type: ignore[import-untyped]  # few documents need it

    try:
        book = xlrd.open_workbook(
            file_contents=data, formatting_info=True, ragged_rows=True, logfile=io.StringIO()
        )
    except MemoryError:
        raise
    except Exception as exc:  # xlrd raises whatever a corrupt file leads to
        if "encrypted" in str(exc).lower():
            raise DocumentEncrypted("the workbook is protected by a password") from exc
        raise DocumentUnreadable(
            f"the XLS document is truncated or corrupt ({type(exc).__name__})"
        ) from exc
    draft.expect_pages(book.nsheets)
    shown = _XlsValues(book)
    for number, sheet in enumerate(book.sheets(), start=1):
        draft.begin_page(number)
        rows = [[shown.text(cell) for cell in sheet.row(place)] for place in range(sheet.nrows)]
        if any(map(any, rows)):
            draft.add_heading(1, sheet.name)
        write_rows(without_blank_columns(rows), draft, split_at_blank_rows=True)
        for (row, column), note in sorted(sheet.cell_note_map.items()):
            words = " ".join(note.text.split())
            draft.add(f"Comment on {column_name(column)}{row + 1}: {words}" if words else "")


class _XlsValues:
    """Shows the values of a workbook's cells by their number formats."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._formats: dict[int, NumberFormat | None] = {}

    def text(self, cell: Any) -> str:
        """The text of a cell."""
        import xlrd

        if cell.ctype == xlrd.XL_CELL_TEXT:
            return str(cell.value)
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return "TRUE" if cell.value else "FALSE"
        if cell.ctype == xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(cell.value, "#ERROR!"))
        if cell.ctype not in {xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE}:
            return ""
        shown = self._format(self._book.xf_list[cell.xf_index].format_key)
        try:
            return show_general(cell.value) if shown is None else shown.show(cell.value)
        except (ValueError, OverflowError):
            return str(cell.value)

    def _format(self, key: int) -> NumberFormat | None:
        """The format of a number; None for the general one."""
        if key not in self._formats:
            own = self._book.format_map.get(key)
            code = own.format_str if own else BUILT_IN.get(key, GENERAL)
            plain = code.lower() in {"general", "@", ""}
            old_dates = bool(self._book.datemode)
            self._formats[key] = None if plain else NumberFormat(code, date1904=old_dates)
        return self._formats[key]
