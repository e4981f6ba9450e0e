"""Reads workbooks: one page for each sheet."""

import re
import zipfile

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.office.not_read import (
    warn_of_embedded,
    warn_of_pictures,
)
from ingest.adapters.parsers.local.formats.office.shapes import ShapeWriter, all_shapes
from ingest.adapters.parsers.local.formats.office.unread import warn_of_unread
from ingest.adapters.parsers.local.formats.office_package import Package, Relation, relation_id
from ingest.adapters.parsers.local.formats.trees import Element, child
from ingest.adapters.parsers.local.formats.xlsx.cells import SheetReader, Values, rich_text
from ingest.adapters.parsers.local.formats.xlsx.sheet_tables import tables
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.parse_warning import WarningCode

_SHEET_KINDS = ("worksheet", "chartsheet", "dialogsheet")
_HEADER_CODES = re.compile(r'&(?:"[^"]*"|K[0-9A-F]{6}|\d+|&|.)', re.I)
_SHOWN_PLACES = 5


def parse_xlsx(archive: zipfile.ZipFile, draft: Draft) -> None:
    """Read a workbook: sheet names become headings, rows become Markdown tables.

    Hidden sheets, rows and columns are read, too.

    Raises:
        TooManyPages: there are more sheets than the limit.
        DocumentUnreadable: the workbook is corrupt.
    """
    package = Package(archive)
    main = package.main_part()
    try:
        root = package.tree(main)
    except DocumentUnreadable as exc:
        raise DocumentUnreadable("the XLSX document is truncated or corrupt") from exc
    relations = package.relations(main)
    sheets = [
        (sheet.get("name") or "", relations.get(relation_id(sheet)))
        for sheet in root.iter("{*}sheet")
    ]
    draft.expect_pages(len(sheets))
    settings = child(root, "workbookPr")
    old_dates = settings is not None and settings.get("date1904") in {"1", "true", "on"}
    values = Values(package, main, date1904=old_dates)
    pictures = 0
    for number, (name, relation) in enumerate(sheets, start=1):
        draft.begin_page(number)
        writer = _SheetWriter(package, values, draft, name)
        writer.write(relation)
        pictures += writer.pictures
    warn_of_pictures(draft, pictures)
    warn_of_unread(package, draft)
    if values.broken:
        message = f"{values.broken} cells name texts that the file lacks"
        draft.warn(WarningCode.ROWS_CUT, message)


class _SheetWriter:
    """Writes one sheet into the draft; its name comes before its first text."""

    def __init__(self, package: Package, values: Values, draft: Draft, name: str) -> None:
        self._package = package
        self._values = values
        self._draft = draft
        self._name = name
        self._named = False
        self.pictures = 0

    def write(self, relation: Relation | None) -> None:
        """Write the tables, then what lies on the sheet."""
        if relation is None or relation.kind not in _SHEET_KINDS:
            message = f"sheet {self._name!r} is of a kind that is not read"
            self._draft.warn(WarningCode.SHEET_SKIPPED, message)
            return
        if not self._package.has(relation.part):
            raise KeyError(relation.part)
        reader = SheetReader(self._package, self._values)
        for table in tables(reader.rows(relation.part)):
            self._head()
            self._draft.add_table(table)
        self._write_parts(relation.part)
        for text in dict.fromkeys(filter(None, map(_header_text, reader.header_footer))):
            self._add(text)
        self._warn(reader)

    def _head(self) -> None:
        if not self._named:
            self._draft.add_heading(1, self._name)
            self._named = True

    def _add(self, text: str) -> None:
        if text.strip():
            self._head()
            self._draft.add(text)

    def _write_parts(self, part: str) -> None:
        threads = self._package.all(part, "threadedComment")
        for thread in threads:
            for comment in self._package.tree(thread).iter("{*}threadedComment"):
                text = child(comment, "text")
                self._note(comment.get("ref"), "" if text is None else text.text or "")
        for notes in self._package.all(part, "comments"):
            for comment in self._package.tree(notes).iter("{*}comment"):
                text = child(comment, "text")
                shown = "" if text is None else rich_text(text)
                # The application writes each thread a second time, for its older versions.
                if not (threads and shown.startswith("[Threaded comment]")):
                    self._note(comment.get("ref"), shown)
        for drawing in self._package.all(part, "drawing"):
            self._write_drawing(drawing)
        warn_of_embedded(self._package, part, self._draft, f"sheet {self._name!r}")

    def _write_drawing(self, part: str) -> None:
        writer = ShapeWriter(self._package, part, self._draft, f"sheet {self._name!r}")
        for anchor in sorted(self._package.tree(part), key=_place):
            for shape in all_shapes(anchor):
                for block in writer.blocks(shape):
                    self._head()
                    writer.write_block(block)
        self.pictures += writer.pictures

    def _note(self, place: str | None, text: str) -> None:
        if text.strip():
            self._add(f"Note on {place}: {text.strip()}")

    def _warn(self, reader: SheetReader) -> None:
        if count := len(reader.unknown):
            places = ", ".join(reader.unknown[:_SHOWN_PLACES])
            more = " and others" if count > _SHOWN_PLACES else ""
            self._draft.warn(
                WarningCode.VALUE_NOT_COMPUTED,
                f"sheet {self._name!r}: {count} formulas have no stored value ({places}{more})",
            )


def _place(anchor: Element) -> tuple[int, int]:
    """Row and column of the upper left corner."""
    corner = child(anchor, "from")
    texts = [child(corner, name) for name in ("row", "col")]
    numbers = ["" if text is None else (text.text or "").strip() for text in texts]
    row, column = (int(number) if number.isdecimal() else 0 for number in numbers)
    return row, column


def _header_text(code: str) -> str:
    """The words of a page header or footer, without its codes for fonts, places and numbers."""
    plain = _HEADER_CODES.sub(lambda m: "&" if m[0] == "&&" else " ", code)
    text = " ".join(plain.split())
    return text if any(map(str.isalpha, text)) else ""
