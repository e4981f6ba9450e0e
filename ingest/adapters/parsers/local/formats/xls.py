"""Reads legacy workbooks (BIFF, .xls) with xlrd: one page for each sheet."""

import io
import re
from typing import Any

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.tables import (
    column_name,
    without_blank_columns,
    write_rows,
)
from ingest.domain.errors import DocumentEncrypted, DocumentUnreadable

_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_DATE_PART = re.compile(r"[ymd]", re.I)
_TIME_PART = re.compile(r"[hs]", re.I)
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.I)
_MINUTES_A_DAY = 1440


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
    for number, sheet in enumerate(book.sheets(), start=1):
        draft.begin_page(number)
        rows = [[_shown(book, cell) for cell in sheet.row(place)] for place in range(sheet.nrows)]
        if any(map(any, rows)):
            draft.add_heading(1, sheet.name)
        write_rows(without_blank_columns(rows), draft, split_at_blank_rows=True)
        for (row, column), note in sorted(sheet.cell_note_map.items()):
            words = " ".join(note.text.split())
            draft.add(f"Comment on {column_name(column)}{row + 1}: {words}" if words else "")


def _shown(book: Any, cell: Any) -> str:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_TEXT:
        return str(cell.value)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if cell.value else "FALSE"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR!"))
    if cell.ctype not in {xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE}:
        return ""
    code = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
    if cell.ctype == xlrd.XL_CELL_DATE:
        return _date(book, cell.value, code)
    return show_number(cell.value, code)


def _date(book: Any, value: float, code: str) -> str:
    """A date in ISO 8601, a time or a duration."""
    import xlrd

    if _ELAPSED.search(code):
        seconds = round(value * _MINUTES_A_DAY * 60)
        hours, rest = divmod(seconds, 3600)
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    bare = _QUOTED.sub("", code)
    try:
        found = xlrd.xldate_as_datetime(value, book.datemode)
    except (xlrd.xldate.XLDateError, ValueError, OverflowError):
        return show_number(value, "General")
    has_time = _TIME_PART.search(bare)
    time = str(found.strftime("%H:%M:%S" if "s" in bare.lower() else "%H:%M"))
    if has_time and not _DATE_PART.search(re.sub(r"(?i)(?<=[h:])m+|m+(?=:?s)|am/pm", "", bare)):
        return time
    day = f"{found.year:04}-{found.month:02}-{found.day:02}"
    return f"{day} {time}" if has_time else day


def show_number(value: float, code: str) -> str:
    """Show a number with the decimals, the percent sign and the leading zeros of its format."""
    bare = _QUOTED.sub("", code).split(";")[0].replace("_", " ")
    whole, _, decimals = bare.partition(".")
    places = len(re.match(r"[0#?]*", decimals)[0])  # type: ignore[index]  # it always matches
    zeros = whole.count("0")
    if "%" in bare:
        return f"{value * 100:.{places}f}%"
    plain = "General" in bare or not re.search("[0#?]", bare) or "/" in bare or "E" in bare.upper()
    if plain or (zeros < 2 and not places and value != round(value)):
        return _general(value)
    shown: str = f"{value:{',' if ',' in whole else ''}.{places}f}"
    if zeros > 1 and "," not in whole:
        sign = "-" if value < 0 else ""
        shown = sign + shown.lstrip("-").zfill(zeros + (places + 1 if places else 0))
    return shown


def _general(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.15g}"
