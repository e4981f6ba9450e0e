"""Writes the paragraphs, lists, tables and frames of an OpenDocument file."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.odf.styles import (
    OUTLINE,
    OdfNumbering,
    OdfStyles,
    attribute,
    number_label,
)
from ingest.adapters.parsers.local.formats.trees import Element, local_name
from ingest.domain.parse_warning import WarningCode

MAX_REPEATED = 1000
"""Most copies of a filled row or cell that the file holds once."""
MAX_COLUMNS = 16_384
_SKIPPED = frozenset(
    {"tracked-changes", "forms", "sequence-decls", "variable-decls", "user-field-decls"}
    | {"binary-data", "event-listeners", "scripts", "meta", "settings", "styles"}
    | {"automatic-styles", "master-styles", "font-face-decls", "soft-page-break", "annotation-end"}
)
_SHAPES = frozenset(
    {"frame", "custom-shape", "g", "rect", "ellipse", "circle", "line", "connector", "path"}
    | {"polygon", "polyline", "regular-polygon", "caption", "measure", "page-thumbnail", "control"}
)
_ROW_GROUPS = frozenset({"table-row-group", "table-header-rows", "table-rows"})
_CELLS = frozenset({"table-cell", "covered-table-cell"})
_IN_CELLS = frozenset({"section", "numbered-paragraph"})
_MARKS = {"tab": "\t", "line-break": "\n"}
_BLANKS = re.compile(r"\s+")
"""White space in the XML is one blank; a blank at an end counts."""
_MAX_SPACES = 1000
_MAX_LEVEL = 10


@dataclass(slots=True)
class _OpenList:
    """A level of a list, or of numbered headings."""

    style: str
    level: int
    number: int


class BlockWriter:
    """Writes blocks into a draft; notes and comments come last."""

    def __init__(
        self, draft: Draft, styles: OdfStyles, embedded: Callable[[str], Element | None]
    ) -> None:
        self.draft = draft
        self._styles = styles
        self._embedded = embedded
        self._lists: list[_OpenList] = []
        self._last_numbers: dict[tuple[str, int], int] = {}
        self._headings: list[int] = []
        """The last number of each level of headings."""
        self._mark = ""
        self.pictures = 0
        """Pictures without an alternative text."""
        self._shapes: list[Element] = []
        self._later: list[tuple[str, Element]] = []
        self.show_cell: Callable[[Element], str] = self.paragraphs
        """How a cell of a table is shown."""

    def end(self) -> None:
        """Write notes and comments."""
        while self._later:
            later, self._later = self._later, []
            for label, body in later:
                self._mark = label
                self.write(body)
                self._mark = ""

    def write(self, parent: Element) -> None:
        """Write the blocks in an element."""
        for element in parent:
            self.write_block(element)

    def write_block(self, element: Element) -> None:
        """Write one block, with what it holds."""
        name = local_name(element)
        if name == "h":
            self._heading(element)
        elif name == "p":
            self._paragraph(element, self._styles.title_level(attribute(element, "style-name")))
        elif name == "list":
            self._list(element)
        elif name == "table":
            self.draft.add_table(self.rows(element))
            self.flush_shapes()
        elif name in _SHAPES:
            self.write_shape(element)
        elif name == "section" and attribute(element, "display") == "none":
            self._warn_hidden()
        elif name not in _SKIPPED:
            self.write(element)

    def write_shape(self, shape: Element) -> None:
        """Write a frame or a shape: its words, its table, its object, what it says of itself."""
        before = self.draft.length
        for child in shape:
            name = local_name(child)
            if name in {"title", "desc"}:
                self.draft.add(" ".join((child.text or "").split()))
            elif name == "object":
                self._object(child)
            elif name != "image":
                self.write_block(child)
        held = {local_name(child) for child in shape}
        self.pictures += "image" in held and "object" not in held and self.draft.length == before

    def text(self, element: Element) -> str:
        """The words in an element; frames and notes in it come later."""
        return "".join(self._pieces(element))

    def paragraphs(self, element: Element) -> str:
        """All words of the paragraphs in a cell, on one line."""
        found = [
            self._item_text(child) if local_name(child) == "list" else self.text(child)
            for child in element
            if local_name(child) in {"p", "h", "list"}
        ]
        found += [
            self.paragraphs(row)
            for child in element
            if local_name(child) == "table"
            for row in child.iter("{*}table-cell")
        ]
        found += [self.paragraphs(child) for child in element if local_name(child) in _IN_CELLS]
        return " ".join(filter(None, found))

    def rows(self, table: Element) -> Iterator[list[str]]:
        """Rows of a table; a blank row comes once, however often it is repeated."""
        for row in _row_elements(table):
            repeated = _repeats(row, "number-rows-repeated")
            cells = self._cells(row)
            if not cells:
                yield cells
                continue
            if repeated > MAX_REPEATED:
                self.draft.warn(
                    WarningCode.ROWS_CUT,
                    f"a row that is repeated {repeated} times is kept {MAX_REPEATED} times",
                )
            for _ in range(min(repeated, MAX_REPEATED)):
                yield cells

    def flush_shapes(self) -> None:
        """Write the shapes that stand in what was read before."""
        while self._shapes:
            shapes, self._shapes = self._shapes, []
            for shape in shapes:
                self.write_shape(shape)

    def keep_shape(self, shape: Element) -> None:
        """Remember a shape, to be written by ``flush_shapes``."""
        if local_name(shape) in _SHAPES:
            self._shapes.append(shape)

    def _cells(self, row: Element) -> list[str]:
        cells: list[str] = []
        blanks = 0
        for cell in row:
            if local_name(cell) not in _CELLS:
                continue
            repeated = _repeats(cell, "number-columns-repeated")
            covered = local_name(cell) == "covered-table-cell"
            text = "" if covered else " ".join(self.show_cell(cell).split())
            if not text:
                blanks += repeated
                continue
            room = MAX_COLUMNS - len(cells)
            if blanks + min(repeated, MAX_REPEATED) > room:
                self.draft.warn(WarningCode.ROWS_CUT, f"a table is cut at {MAX_COLUMNS} columns")
                break
            cells += [""] * blanks + [text] * min(repeated, MAX_REPEATED)
            blanks = 0
        return cells

    def _paragraph(self, element: Element, level: int | None) -> None:
        text = self.text(element).strip("\n")
        style = attribute(element, "style-name")
        if text.strip() and self._styles.is_hidden(style):
            self._warn_hidden()
        elif level:
            mark, self._mark = self._mark.strip(), ""
            numbered = any(map(str.isalnum, mark))  # else a bullet
            self.draft.add_heading(level, f"{mark} {text.lstrip()}" if numbered else text)
        elif text.strip():
            mark, self._mark = self._mark, ""
            self.draft.add(mark + text.strip(), tight=bool(self._lists))
        self.flush_shapes()

    def _heading(self, element: Element) -> None:
        shown = attribute(element, "outline-level")
        level = min(int(shown), _MAX_LEVEL) if shown.isdecimal() and int(shown) else 1
        if not self._lists and self.text(element).strip():
            self._mark = self._heading_number(element, level)
        self._paragraph(element, level)

    def _heading_number(self, element: Element, level: int) -> str:
        own = self._styles.numbering(OUTLINE, level)
        if own is None or attribute(element, "is-list-header") == "true":
            return ""
        del self._headings[level:]
        for missing in range(len(self._headings) + 1, level + 1):
            style = self._styles.numbering(OUTLINE, missing)
            self._headings.append((style.first if style else 1) - (missing == level))
        start = attribute(element, "start-value")
        self._headings[-1] = int(start) if start.isdecimal() else self._headings[-1] + 1
        return f"{self._label(own, [*map(partial(_OpenList, OUTLINE), count(1), self._headings)])} "

    def _list(self, element: Element) -> None:
        outer = self._lists[-1] if self._lists else None
        style = attribute(element, "style-name") or (outer.style if outer else "")
        level = len(self._lists) + 1
        numbering = self._styles.numbering(style, level)
        first = numbering.first if numbering else 1
        if attribute(element, "continue-numbering") == "true":
            first = self._last_numbers.get((style, level), first - 1) + 1
        self._lists.append(_OpenList(style, level, first))
        for item in element:
            if local_name(item) == "list-item":
                self._item(item, numbering)
            else:  # a header, which has no mark
                self.write(item)
        self._last_numbers[style, level] = self._lists.pop().number - 1

    def _item(self, item: Element, numbering: OdfNumbering | None) -> None:
        present = self._lists[-1]
        start = attribute(item, "start-value")
        if start.isdecimal():
            present.number = int(start)
        indent = "  " * (present.level - 1)
        label = self._label(numbering, self._lists) if numbering else "-"
        self._mark = f"{indent}{label} "
        self.write(item)
        self._mark = ""
        present.number += 1

    def _label(self, own: OdfNumbering, levels: Sequence[_OpenList]) -> str:
        """The number of the last of some levels, with those above that it shows."""
        shown = []
        for outer in levels[-max(own.levels, 1) :]:
            style = self._styles.numbering(outer.style, outer.level)
            if style:
                shown.append(number_label(outer.number, style.form))
        return f"{own.prefix}{'.'.join(shown)}{own.suffix}"

    def _item_text(self, element: Element) -> str:
        found = (self.text(part) for part in element.iter("{*}p", "{*}h"))
        return " ".join(filter(None, found))

    def _pieces(self, element: Element) -> Iterator[str]:
        if element.text:
            yield _BLANKS.sub(" ", element.text)
        for child in element:
            yield from self._inline(child, local_name(child))
            if child.tail:
                yield _BLANKS.sub(" ", child.tail)

    def _inline(self, child: Element, name: str) -> Iterator[str]:
        if name == "s":
            count = attribute(child, "c")
            yield " " * min(int(count) if count.isdecimal() else 1, _MAX_SPACES)
        elif name in _MARKS:
            yield _MARKS[name]
        elif name == "note":
            self._later += [("", body) for body in child if local_name(body) == "note-body"]
        elif name == "annotation":
            self.add_comment(child)
        elif name in _SHAPES:
            self._shapes.append(child)
        elif name == "ruby":
            yield from (self.text(base) for base in child if local_name(base) == "ruby-base")
        elif self._is_hidden(child, name):
            self._warn_hidden()
        elif name not in _SKIPPED:
            yield from self._pieces(child)

    def add_comment(self, annotation: Element) -> None:
        """Remember a comment, to be written last."""
        creator = next(annotation.iter("{*}creator"), None)
        who = f" by {creator.text}" if creator is not None and creator.text else ""
        self._later.append((f"Comment{who}: ", annotation))

    def _is_hidden(self, element: Element, name: str) -> bool:
        if name in {"hidden-text", "hidden-paragraph"}:
            return attribute(element, "is-hidden") == "true"
        return name == "span" and self._styles.is_hidden(attribute(element, "style-name"))

    def _warn_hidden(self) -> None:
        self.draft.warn(WarningCode.HIDDEN_TEXT_LEFT_OUT, "hidden text is left out")

    def _object(self, element: Element) -> None:
        inline = list(element)
        root = inline[0] if inline else self._embedded(attribute(element, "href"))
        if root is None:
            self.draft.warn(WarningCode.PART_NOT_READ, "an embedded object is not read")
        elif local_name(root) == "math":
            source = next(root.iter("{*}annotation"), None)
            words = source.text if source is not None else None
            self.draft.add(" ".join((words or "".join(root.itertext())).split()))
        else:
            self.write(root)


def _row_elements(table: Element) -> Iterator[Element]:
    for child in table:
        name = local_name(child)
        if name == "table-row":
            yield child
        elif name in _ROW_GROUPS:
            yield from _row_elements(child)


def _repeats(element: Element, name: str) -> int:
    value = attribute(element, name)
    return int(value) if value.isdecimal() and len(value) < 10 else 1
