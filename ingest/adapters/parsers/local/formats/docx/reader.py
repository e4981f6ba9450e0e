"""Reads Word documents: paragraphs, headings by style, lists, tables, text boxes and notes."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.office_package import Package
from ingest.adapters.parsers.local.formats.trees import Element, local_attribute, local_name

_BUILT_IN = {"Title": 1, **{f"Heading{level}": level for level in range(1, 7)}}
"""Built-in styles with the same meaning in every document; they need no look at styles.xml."""
_NO_TEXT = frozenset(
    {"del", "moveFrom", "Fallback", "pPr", "rPr", "sdtPr", "sectPr", "tblPr", "instrText"}
)
_CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOTE_KINDS = ("footnotes", "endnotes")
_MAX_BASED_ON = 20


def parse_docx(archive: zipfile.ZipFile, draft: Draft) -> None:
    """Read a Word document; it has no pages, because only a layout program knows them."""
    package = Package(archive)
    main = package.main_part()
    writer = _DocxWriter(draft, _Styles(package, main))
    for body in package.tree(main):
        writer.write_blocks(body)
    for kind in _NOTE_KINDS:
        part = package.first(main, kind)
        for note in package.tree(part) if part else ():
            if local_attribute(note, "type") is None:
                writer.write_blocks(note)


@dataclass(frozen=True, slots=True)
class _Style:
    level: int | None = None
    """Heading level from 1."""
    listed: bool = False


_PLAIN = _Style()


class _Styles:
    """The paragraph styles of a document, read on first use."""

    def __init__(self, package: Package, main: str) -> None:
        self._package = package
        self._main = main

    def find(self, style_id: str | None) -> _Style:
        """Find a style; values that it lacks come from the styles it is based on."""
        if style_id in _BUILT_IN:
            return _Style(_BUILT_IN[style_id])
        level, listed = None, False
        for _ in range(_MAX_BASED_ON):
            element = self._elements.get(style_id or "")
            if element is None:
                break
            own = _own_style(element)
            level = own.level if level is None else level
            listed = listed or own.listed
            style_id = _child_value(element, "basedOn")
        return _Style(level, listed)

    @cached_property
    def _elements(self) -> dict[str, Element]:
        part = self._package.first(self._main, "styles")
        if part is None:
            return {}
        styles = self._package.tree(part).iter("{*}style")
        return {local_attribute(style, "styleId") or "": style for style in styles}


class _DocxWriter:
    """Writes the blocks of a Word document into a draft."""

    def __init__(self, draft: Draft, styles: _Styles) -> None:
        self._draft = draft
        self._styles = styles

    def write_blocks(self, container: Element) -> None:
        """Write the paragraphs and tables in an element, in order."""
        for element in container:
            name = local_name(element)
            if name == "p":
                self._write_paragraph(element)
            elif name == "tbl":
                self._write_table(element)
            elif name not in _NO_TEXT:
                self.write_blocks(element)

    def _write_paragraph(self, paragraph: Element) -> None:
        boxes: list[Element] = []
        text = "".join(_text(paragraph, boxes)).strip()
        style, indent = self._style_of(paragraph)
        if style.level is not None:
            self._draft.add_heading(style.level, text)
        elif text and style.listed:
            self._draft.add(f"{'  ' * indent}- {text}", tight=True)
        else:
            self._draft.add(text)
        for box in boxes:
            self.write_blocks(box)

    def _style_of(self, paragraph: Element) -> tuple[_Style, int]:
        properties = next(iter(paragraph), None)
        if properties is None or local_name(properties) != "pPr":
            return _PLAIN, 0
        style_id = _child_value(properties, "pStyle")
        style = self._styles.find(style_id) if style_id else _PLAIN
        own = _outline(properties)
        if own.level is not None or own.listed:
            style = _Style(own.level or style.level, own.listed)
        depth = _child_value(properties, "numPr", "ilvl") or ""
        return style, min(int(depth), 8) if depth.isdecimal() else 0

    def _write_table(self, table: Element) -> None:
        rows = [list(_nearest(row, "tc")) for row in _nearest(table, "tr")]
        if max(map(len, rows), default=0) == 1:
            for (cell,) in filter(None, rows):
                self.write_blocks(cell)
        else:
            self._draft.add_table([_cell_text(cell) for cell in row] for row in rows)


def _nearest(element: Element, name: str) -> Iterator[Element]:
    """Elements of this name below another, without those that are nested in one of them."""
    for child in element:
        if local_name(child) == name:
            yield child
        elif local_name(child) not in _NO_TEXT:
            yield from _nearest(child, name)


def _cell_text(cell: Element) -> str:
    parts: list[str] = []
    boxes = [cell]
    for box in boxes:
        parts += _text(box, boxes)
    return "".join(parts)


def _text(element: Element, boxes: list[Element]) -> Iterator[str]:
    """Text below an element as the document shows it; text boxes are collected in ``boxes``."""
    for child in element:
        name = local_name(child)
        if name == "t":
            yield child.text or ""
        elif name in _CHARACTERS:
            yield _CHARACTERS[name]
        elif name == "txbxContent":
            boxes.append(child)
        elif name == "p":  # a paragraph of a table's cell
            yield from _text(child, boxes)
            yield "\n"
        elif name not in _NO_TEXT:
            yield from _text(child, boxes)


def _own_style(style: Element) -> _Style:
    properties = next((child for child in style if local_name(child) == "pPr"), None)
    own = _PLAIN if properties is None else _outline(properties)
    name = (_child_value(style, "name") or "").lower()
    if name == "title":
        return _Style(1, own.listed)
    if name.startswith("heading ") and name[8:].isdecimal():
        return _Style(int(name[8:]), own.listed)
    return own


def _outline(properties: Element) -> _Style:
    outline = _child_value(properties, "outlineLvl") or ""
    level = int(outline) + 1 if outline.isdecimal() and int(outline) < 9 else None
    listed = _child_value(properties, "numPr", "numId") not in {None, "0"}
    return _Style(level, listed)


def _child_value(element: Element, *path: str) -> str | None:
    """The ``val`` attribute of the descendant with this path of names."""
    found: Element | None = element
    for name in path:
        children = () if found is None else found
        found = next((child for child in children if local_name(child) == name), None)
    return None if found is None else local_attribute(found, "val")
