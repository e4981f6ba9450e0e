"""Writes the body of a Word document, then its notes, comments, headers and footers."""

import zipfile
from collections.abc import Iterator

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.docx import table_grid
from ingest.adapters.parsers.local.formats.docx.imports import write_import
from ingest.adapters.parsers.local.formats.docx.inline import (
    Extra,
    InlineReader,
    name_of,
    shows_placeholder,
    text_length,
)
from ingest.adapters.parsers.local.formats.docx.numbering import Numbering
from ingest.adapters.parsers.local.formats.docx.styles import Style, Styles
from ingest.adapters.parsers.local.formats.office.charts import diagram_texts, write_chart
from ingest.adapters.parsers.local.formats.office.not_read import (
    warn_of_embedded,
    warn_of_pictures,
)
from ingest.adapters.parsers.local.formats.office.unread import warn_of_unread
from ingest.adapters.parsers.local.formats.office_package import Package, relation_id
from ingest.adapters.parsers.local.formats.trees import (
    Element,
    child,
    local_attribute,
    local_name,
)
from ingest.domain.parse_warning import WarningCode

_NO_BLOCKS = frozenset({"del", "moveFrom", "pPr", "rPr", "sdtPr", "sectPr", "tblPr"})
_MAX_NESTED = 3
"""Most documents that are imported one within the other."""
_MAX_INDENT = 8


def parse_docx(archive: zipfile.ZipFile, draft: Draft) -> None:
    """Read a Word document; it has no pages, because only a layout program knows them."""
    _parse(archive, draft, nested=0)


def _parse(archive: zipfile.ZipFile, draft: Draft, *, nested: int) -> None:
    package = Package(archive)
    main = package.main_part()
    numbering = package.first(main, "numbering")
    writer = _DocxWriter(
        package, main, draft, Numbering(package.tree(numbering) if numbering else None), nested
    )
    root = package.tree(main)
    for body in root:
        writer.write_blocks(body)
    writer.check(root)
    for kind in ("footnotes", "endnotes"):
        writer.write_notes(kind)
    writer.write_comments()
    writer.write_headers()
    writer.warn()
    warn_of_unread(package, draft)


class _DocxWriter:
    """Writes the blocks of a Word document into a draft."""

    def __init__(
        self, package: Package, main: str, draft: Draft, numbering: Numbering, nested: int
    ) -> None:
        self._package = package
        self._main = main
        self._draft = draft
        self._numbering = numbering
        self._nested = nested
        self._styles = Styles(package, main)
        self._inline = InlineReader(self._styles)
        self._part = main
        self._drop_cap = ""

    def write_blocks(self, container: Element) -> None:
        """Write the paragraphs and tables in an element, in order."""
        for element in container:
            name = name_of(element)
            if name == "p":
                self._write_paragraph(element)
            elif name == "tbl":
                self._write_table(element)
            elif name == "altChunk":
                self._write_import(element)
            elif name == "AlternateContent":
                for branch in self._inline.chosen(element):
                    self.write_blocks(branch)
            elif name in {"oMath", "oMathPara"}:
                self._draft.add(self._inline.formula(element))
            elif not name or name in _NO_BLOCKS or (name == "sdt" and shows_placeholder(element)):
                self._inline.leave_out(element)
            else:
                self.write_blocks(element)

    def _write_paragraph(self, paragraph: Element) -> None:
        extras: list[Extra] = []
        style = self._styles.paragraph(paragraph)
        text = self._inline.paragraph(paragraph, extras, hidden=bool(style.hidden)).strip()
        if _is_drop_cap(paragraph):
            self._drop_cap += text
        else:
            text, self._drop_cap = self._drop_cap + text, ""
            self._write_text(style, text, deleted=_mark_is_deleted(paragraph))
        self._write_extras(extras)

    def _write_text(self, style: Style, text: str, *, deleted: bool) -> None:
        label: str | None = ""
        if style.listed and not (deleted and not text):
            label = self._numbering.label(style)
        if style.level is not None:
            self._draft.add_heading(style.level, f"{label or ''} {text}" if text else "")
        elif text and style.listed:
            mark = "-" if label is None else label
            self._draft.add(f"{_indent(style)}{mark} {text}" if mark else text, tight=True)
        else:
            self._draft.add(text)

    def _write_extras(self, extras: list[Extra]) -> None:
        for extra in extras:
            if isinstance(extra, str):
                self._draft.add(extra)
            elif local_name(extra) == "txbxContent":
                self.write_blocks(extra)
            else:
                self._write_graphic(extra)

    def _write_graphic(self, element: Element) -> None:
        """Write a chart or a diagram."""
        chart = local_name(element) == "chart"
        key = relation_id(element, "id" if chart else "dm")
        relation = self._package.relations(self._part).get(key)
        if relation is None or not self._package.has(relation.part):
            what = "chart" if chart else "diagram"
            message = f"a {what} was not read, because its part is missing"
            self._draft.warn(WarningCode.PART_NOT_READ, message)
        elif chart:
            write_chart(self._package.tree(relation.part), self._draft)
        else:
            self._draft.add("\n\n".join(diagram_texts(self._package.tree(relation.part))))

    def _write_import(self, element: Element) -> None:
        relation = self._package.relations(self._part).get(relation_id(element))
        deeper = self._nested + 1

        def read_word(archive: zipfile.ZipFile, draft: Draft) -> None:
            _parse(archive, draft, nested=deeper)

        write_import(
            self._package, relation, self._draft, read_word if deeper <= _MAX_NESTED else None
        )

    def _write_table(self, table: Element) -> None:
        for row in table_grid.nearest(table, "tr"):
            if table_grid.is_deleted(row):
                self._inline.leave_out(row)
        grid = table_grid.rows(table)
        if max((len(row) for row in grid), default=0) == 1:
            for cell in (cell for row in grid for cell in row if cell is not None):
                self.write_blocks(cell)
            return
        late: list[Extra] = []
        self._draft.add_table(
            ["" if cell is None else self._cell_text(cell, late) for cell in row] for row in grid
        )
        self._write_extras(late)

    def _cell_text(self, cell: Element, late: list[Extra]) -> str:
        """The text of a cell; charts and diagrams in it come after the table."""
        extras: list[Extra] = []
        lines = list(self._lines(cell, extras))
        for extra in extras:
            if isinstance(extra, str):
                lines.append(extra)
            elif local_name(extra) == "txbxContent":
                lines += self._lines(extra, extras)
            else:
                late.append(extra)
        return "\n".join(lines)

    def _lines(self, container: Element, extras: list[Extra]) -> Iterator[str]:
        """The paragraphs below an element as lines, with their numbers."""
        for element in container:
            name = name_of(element)
            if name == "p":
                style = self._styles.paragraph(element)
                text = self._inline.paragraph(element, extras, hidden=bool(style.hidden))
                label = self._numbering.label(style) if style.listed else ""
                mark = "-" if label is None else label
                if text.strip():
                    yield f"{mark} {text}" if mark else text
            elif name == "AlternateContent":
                for branch in self._inline.chosen(element):
                    yield from self._lines(branch, extras)
            elif not name or name in _NO_BLOCKS or (name == "sdt" and shows_placeholder(element)):
                self._inline.leave_out(element)
            elif name in {"oMath", "oMathPara"}:
                yield self._inline.formula(element)
            else:
                yield from self._lines(element, extras)

    def write_notes(self, kind: str) -> None:
        """Write the footnotes or endnotes, without the lines between them and the text."""
        for part in self._package.all(self._main, kind):
            self._part = part
            for note in self._package.tree(part):
                if local_attribute(note, "type") is None:
                    self.write_blocks(note)

    def write_comments(self) -> None:
        """Write the comments, each marked as one."""
        for part in self._package.all(self._main, "comments"):
            for comment in self._package.tree(part):
                text = "\n".join(self._lines(comment, [])).strip()
                author = (local_attribute(comment, "author") or "").strip()
                by = f" by {author}" if author else ""
                self._draft.add(f"Comment{by}: {text}" if text else "")

    def write_headers(self) -> None:
        """Write the headers and footers of pages, each line once."""
        lines: dict[str, None] = {}
        for part in self._package.all(self._main, "header", "footer"):
            extras: list[Extra] = []
            found = list(self._lines(self._package.tree(part), extras))
            for extra in extras:
                if isinstance(extra, str):
                    found.append(extra)
                elif local_name(extra) == "txbxContent":
                    found += self._lines(extra, extras)
            lines |= dict.fromkeys(" ".join(line.split()) for line in found)
        for line in lines:
            if any(map(str.isalpha, line)):
                self._draft.add(line)

    def check(self, root: Element) -> None:
        """Compare the characters of the document's body with those that were read."""
        lost = text_length(root) - self._inline.accounted_chars
        if lost > 0:
            self._draft.warn(
                WarningCode.PART_NOT_READ,
                f"{lost} characters of the document's text stand where no text is expected, "
                "and were not read",
            )

    def warn(self) -> None:
        """Say what was left out."""
        inline = self._inline
        if inline.hidden_chars:
            self._draft.warn(
                WarningCode.HIDDEN_TEXT_LEFT_OUT,
                f"{inline.hidden_chars} characters of hidden text were left out",
            )
        if inline.unknown_symbols:
            self._draft.warn(
                WarningCode.CHARACTERS_UNREADABLE,
                f"{inline.unknown_symbols} symbols of special fonts have no known meaning",
            )
        warn_of_embedded(self._package, self._main, self._draft, "the document")
        warn_of_pictures(self._draft, inline.pictures)


def _indent(style: Style) -> str:
    depth = style.list_level or ""
    return "  " * min(int(depth), _MAX_INDENT) if depth.isdecimal() else ""


def _is_drop_cap(paragraph: Element) -> bool:
    frame = child(paragraph, "pPr", "framePr")
    return frame is not None and local_attribute(frame, "dropCap") in {"drop", "margin"}


def _mark_is_deleted(paragraph: Element) -> bool:
    return child(paragraph, "pPr", "rPr", "del") is not None
