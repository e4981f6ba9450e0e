"""The cells of a sheet as texts, row by row, without the whole sheet in memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ingest.adapters.parsers.local.formats.office.drawing_texts import raised
from ingest.adapters.parsers.local.formats.office.number_format import (
    BUILT_IN,
    GENERAL,
    NumberFormat,
    show_general,
)
from ingest.adapters.parsers.local.formats.office_package import Package
from ingest.adapters.parsers.local.formats.trees import Element, child, local_name

_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_DIGITS = "0123456789$"
_PLAIN_INTEGER_CHARS = 15
_MAX_SHOWN = 100_000
"""Most shown numbers that are kept, because dates and prices come again."""
_MIDNIGHT = re.compile(r"T00:00:00(\.0+)?Z?$")

Row = dict[int, str]
"""Texts by column from 0, in ascending order; blank cells are left out."""


def rich_text(element: Element) -> str:
    """The text of a string or note: its runs, without readings (furigana)."""
    pieces: list[str] = []
    for part in element:
        name = local_name(part)
        if name == "t":
            pieces.append(part.text or "")
        elif name == "r":
            run = child(part, "t")
            text = "" if run is None else run.text or ""
            place = child(part, "rPr", "vertAlign")
            offset = None if place is None else place.get("val")
            pieces.append(raised(text, "".join(pieces[-1:]), offset))
    return _unescaped("".join(pieces))


def _unescaped(text: str) -> str:
    """Replace codes of characters, such as ``_x000D_`` for a line end."""
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text) if "_x" in text else text


class Values:
    """Shows the values of a workbook's cells by their styles."""

    def __init__(self, package: Package, main: str, *, date1904: bool) -> None:
        self._date1904 = date1904
        self._shown: dict[tuple[str, str | None], str] = {}
        self.broken = 0
        """Cells whose text is not in the workbook's list of texts."""
        strings = package.first(main, "sharedStrings")
        self.strings = [rich_text(si) for si in package.stream(strings, "si")] if strings else []
        styles = package.first(main, "styles")
        self._formats: dict[str, NumberFormat | None] = {}
        if styles:
            self._formats = self._read_styles(package.tree(styles))

    def _read_styles(self, root: Element) -> dict[str, NumberFormat | None]:
        codes = {str(number): code for number, code in BUILT_IN.items()}
        for own in root.iter("{*}numFmt"):
            codes[own.get("numFmtId") or ""] = own.get("formatCode") or GENERAL
        cells = child(root, "cellXfs")
        used = (
            [xf.get("numFmtId") or "0" for xf in cells if local_name(xf) == "xf"]
            if cells is not None
            else []
        )
        formats: dict[str, NumberFormat | None] = {}
        for number in set(used):
            code = codes.get(number, GENERAL)
            plain = code.lower() in {"general", "@"}
            formats[number] = None if plain else NumberFormat(code, date1904=self._date1904)
        return {str(style): formats[number] for style, number in enumerate(used)}

    def number(self, raw: str, style: str | None) -> str:
        """Show the raw value of a number."""
        shown = self._formats.get(style or "0")
        if shown is None:
            if len(raw) <= _PLAIN_INTEGER_CHARS and raw.isdecimal():
                return raw
        elif (text := self._shown.get((raw, style))) is not None:
            return text
        try:
            value = float(raw)
            text = show_general(value) if shown is None else shown.show(value)
        except (ValueError, OverflowError):
            return raw
        if shown is not None and len(self._shown) < _MAX_SHOWN:
            self._shown[raw, style] = text
        return text

    def text(self, kind: str, raw: str) -> str:
        """Show a value that is no number, by the kind of its cell."""
        if kind == "s":
            try:
                return self.strings[int(raw)]
            except (ValueError, IndexError):
                self.broken += 1
                return ""
        if kind == "b":
            return "FALSE" if raw.strip() in {"0", "false"} else "TRUE"
        if kind == "d":
            return _MIDNIGHT.sub("", raw).replace("T", " ")
        return _unescaped(raw) if kind == "str" else raw


@dataclass
class SheetReader:
    """Reads the rows of one sheet, and notes what is not in them."""

    package: Package
    values: Values
    unknown: list[str] = field(default_factory=list)
    """Places of formulas without a stored value."""
    header_footer: list[str] = field(default_factory=list)
    _columns: dict[str, int] = field(default_factory=dict)

    def rows(self, part: str) -> Iterator[tuple[int, Row]]:
        """Numbers and cells of the rows that hold something; numbers start at 1 and ascend."""
        before = 0
        for element in self.package.stream(part, "row", "headerFooter"):
            if element.tag.endswith("}headerFooter"):
                self.header_footer += [part.text for part in element if part.text]
                continue
            own = element.get("r") or ""
            number = int(own) if own.isdecimal() else before + 1
            before = number
            cells = self._cells(element, number)
            if cells:
                yield number, cells

    def _cells(self, row: Element, number: int) -> Row:
        found: Row = {}
        column = -1
        known, number_text = self._columns, self.values.number
        value_tag, text_tag = f"{row.tag[:-3]}v", f"{row.tag[:-3]}t"
        for cell in row:
            place = cell.get("r")
            if place:
                letters = place.rstrip(_DIGITS)
                column = known[letters] if letters in known else self._column(letters)
            else:
                column += 1
            kind = cell.get("t")
            value = cell[0] if len(cell) == 1 else None
            text: str | None = None
            if value is not None and value.tag == value_tag:
                raw = value.text
                if raw and (kind is None or kind == "n"):
                    text = number_text(raw, cell.get("s"))
                elif raw:
                    text = self.values.text(kind or "", raw)
            elif value is not None and len(value) == 1 and value[0].tag == text_tag:
                text = _unescaped(value[0].text or "")
            elif len(cell):
                text = self._slow_text(cell, kind, place or f"row {number}")
            if text and not text.isspace():
                found[column] = text
        return found

    def _slow_text(self, cell: Element, kind: str | None, place: str) -> str | None:
        """The text of a cell with more than a value: with a formula, or with a text of its own."""
        parts = {local_name(part): part for part in cell}
        if "is" in parts:
            return rich_text(parts["is"])
        raw = parts["v"].text if "v" in parts else None
        if raw:
            if kind is None or kind == "n":
                return self.values.number(raw, cell.get("s"))
            return self.values.text(kind, raw)
        if "f" in parts and kind != "str":
            self.unknown.append(place)
            formula = parts["f"].text
            return f"={formula}" if formula else None
        return None

    def _column(self, letters: str) -> int:
        column = 0
        for letter in letters.upper():
            column = column * 26 + ord(letter) - 64
        self._columns[letters] = column - 1
        return column - 1
