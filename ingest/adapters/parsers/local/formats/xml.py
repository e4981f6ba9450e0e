"""Reads XML: documents with sections by their titles, data by the names of its elements."""

import re
from collections.abc import Iterator

from lxml import etree  # type: ignore[import-untyped]  # ships no types

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.odf import parse_flat_odf
from ingest.adapters.parsers.local.formats.text import decode
from ingest.adapters.parsers.local.formats.trees import Element, local_name
from ingest.domain.parse_warning import WarningCode

_OPTIONS = {
    "resolve_entities": "internal",
    "no_network": True,
    "remove_comments": True,
    "remove_pis": True,
}
_SECTIONS = frozenset(
    {"book", "part", "chapter", "article", "appendix", "preface", "topic", "concept", "task"}
    | {"section", "sec", "sect1", "sect2", "sect3", "sect4", "sect5", "simplesect", "div"}
    | {"glossary", "bibliography", "reference", "refentry", "refsect1", "refsect2", "dita"}
)
_WRAPPERS = frozenset(
    {"info", "bookinfo", "articleinfo", "chapterinfo", "sectioninfo", "prolog"} | {"title-group"}
)
_TITLES = frozenset({"title", "head", "article-title"})
_PROSE = frozenset(
    {"p", "para", "simpara", "li", "listitem", "item", "note", "caption", "head", "title"}
    | {"subtitle", "programlisting", "screen", "literallayout", "blockquote", "quote", "l", "ab"}
    | {"lead", "abstract", "dd", "dt", "term", "line", "desc", "text", "tspan", "body"}
)
"""Elements whose name says nothing that the text does not."""
_BLOCKS = _SECTIONS | _PROSE | {"table", "informaltable", "itemizedlist", "orderedlist", "list"}
_TABLES = frozenset({"table", "informaltable"})
_ROWS = ("{*}tr", "{*}row", "{*}Row")
_CELLS = frozenset({"td", "th", "entry", "cell"})
_MARKUP = re.compile(r"<(?:p|br|div|a|img|ul|ol|table|b|i|em|strong|h[1-6])\b[^>]*>", re.I)
_XML_NAMESPACES = (
    "{http://www.w3.org/XML/1998/namespace}",
    "{http://www.w3.org/2001/XMLSchema-instance}",
)
_LEAST_RECORDS = 3
_MAX_COLUMNS = 500
_MAX_CELL_CHARS = 300


def parse_xml(data: bytes, draft: Draft) -> None:
    """Read XML; what is not well-formed is repaired, or kept as text."""
    root = _root(data, draft)
    if root is None:
        draft.add(decode(data, markup=True))
        return
    name = local_name(root)
    if name == "document" and "opendocument" in root.tag:
        parse_flat_odf(root, draft)
    elif name == "svg":
        _write_drawing(root, draft)
    else:
        _XmlWriter(draft).write(root)


def _root(data: bytes, draft: Draft) -> Element | None:
    found: Element | None
    try:
        found = etree.fromstring(data, etree.XMLParser(**_OPTIONS))
    except etree.XMLSyntaxError as exc:
        if exc.code == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from exc
        line = exc.lineno
    except ValueError:
        line = 1
    else:
        return found
    parser = etree.XMLParser(recover=True, **_OPTIONS)
    try:
        found = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        found = None
    words = "".join(found.itertext()) if found is not None else ""
    kept = _letters(words) >= 0.9 * _letters(re.sub(r"<[^>]*>", "", decode(data, markup=True)))
    draft.warn(
        WarningCode.REPAIRED if kept else WarningCode.STRUCTURE_NOT_READ,
        f"the XML is not well-formed at line {line}; "
        + ("it is read after a repair" if kept else "it is kept as written"),
    )
    return found if kept else None


def _letters(text: str) -> int:
    return sum(map(len, text.split()))


def _write_drawing(root: Element, draft: Draft) -> None:
    for element in root.iter("{*}title", "{*}desc", "{*}text"):
        draft.add(_words(element))


def _words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


class _XmlWriter:
    """Writes elements in their order, without recursion."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._lines: list[str] = []
        self._holds_text: dict[Element, bool] = {}

    def write(self, root: Element) -> None:
        """Write an element and all below it."""
        waiting: list[tuple[Element | str, int]] = [(root, 0)]
        while waiting:
            item, depth = waiting.pop()
            if isinstance(item, str):
                self._end_block()
                self._draft.add(item)
            else:
                waiting += reversed(self._write_one(item, depth))
        self._end_block()

    def _write_one(self, element: Element, depth: int) -> list[tuple[Element | str, int]]:
        """Write what stands in the element itself; returns what follows."""
        name = local_name(element)
        children = list(element)
        if name.lower() in _TABLES and (rows := _rows(element)):
            self._end_block()
            for text in _beside_rows(element):
                self._draft.add(text)
            self._draft.add_table(rows)
        elif name in _TITLES and self._is_section_title(element):
            self._end_block()
            self._draft.add_heading(max(depth, 1), _words(element))
        elif not children or _is_prose(element):
            self._leaf(element, name)
        else:
            return self._container(element, name, children, depth)
        return []

    def _leaf(self, element: Element, name: str) -> None:
        text = "".join(element.itertext())
        if _MARKUP.search(text):
            self._end_block()
            parse_html(text, self._draft)
            return
        verbatim = name in {"programlisting", "screen", "literallayout"}
        text = text.strip("\n") if verbatim else " ".join(text.split())
        attributes = _attributes(element)
        if name in _PROSE and not (attributes and not text):
            self._end_block()
            self._draft.add(f"- {text}" if name in {"li", "listitem", "item"} and text else text)
        elif text or attributes:
            label = f"{name} ({attributes})" if attributes else name
            self._lines.append(f"{label}: {text}" if text else label)

    def _container(
        self, element: Element, name: str, children: list[Element], depth: int
    ) -> list[tuple[Element | str, int]]:
        attributes = "" if name in _BLOCKS else _attributes(element)
        has_leaves = any(not len(list(child)) and child.text for child in children)
        if name not in _BLOCKS | _WRAPPERS and (attributes or has_leaves):
            self._end_block()
            self._lines.append(f"{name} ({attributes})" if attributes else name)
        if rows := _records(children):
            self._lines.append(f"{local_name(children[0])}:")
            self._end_block()
            self._draft.add_table(rows)
            return []
        inner = depth + (name in _SECTIONS)
        below: list[tuple[Element | str, int]] = []
        if element.text and element.text.strip():
            below.append((" ".join(element.text.split()), inner))
        for child in children:
            below.append((child, inner))
            if child.tail and child.tail.strip():
                below.append((" ".join(child.tail.split()), inner))
        return below

    def _is_section_title(self, title: Element) -> bool:
        above = list(title.iterancestors())[:2]
        names = [local_name(one) for one in above]
        if names and names[0] in _WRAPPERS:
            return True
        if not names or names[0] not in _SECTIONS:
            return False
        section = above[0]
        if section not in self._holds_text:  # looked at once, however many titles are in it
            # "title" is also a field of a record: of a section there is more than fields.
            nested = any(len(list(child)) for child in section)
            prose = next(section.iter("{*}p", "{*}para"), None) is not None
            self._holds_text[section] = nested or prose
        return self._holds_text[section]

    def _end_block(self) -> None:
        self._draft.add("\n".join(self._lines))
        self._lines.clear()


def _is_prose(element: Element) -> bool:
    """Whether text and elements are mixed, and none of the elements is a block."""
    mixed = bool(element.text and element.text.strip())
    mixed = mixed or any(child.tail and child.tail.strip() for child in element)
    if not mixed and local_name(element) not in _PROSE - {"body", "abstract"}:
        return False
    below = element.iter()
    next(below)
    return all(local_name(one) not in _BLOCKS for one in below)


def _attributes(element: Element) -> str:
    found = dict(element.attrib)
    return ", ".join(
        f"{key.rpartition('}')[2]}: {' '.join(value.split())}"
        for key, value in found.items()
        if value.strip() and not key.startswith(_XML_NAMESPACES)
    )


def _rows(table: Element) -> list[list[str]]:
    found = []
    for row in table.iter(*_ROWS):
        cells: list[str] = []
        for cell in row:
            if local_name(cell).lower() in _CELLS:
                cells += [""] * (_number(cell, "Index") - 1 - len(cells))
                cells.append(_cell_words(cell))
                cells += [""] * max(_number(cell, "colspan") - 1, _number(cell, "MergeAcross"))
        found.append(cells)
    return found


def _beside_rows(table: Element) -> Iterator[str]:
    """The texts of a table outside its cells: its title, its caption, its notes."""
    for part in table:
        if next(part.iter(*_ROWS), None) is None and (text := _words(part)):
            yield text


def _cell_words(cell: Element) -> str:
    """The words of a cell; blocks in it, and notes on it, are kept apart."""
    apart = any(local_name(part) in _BLOCKS | {"Comment"} for part in cell)
    pieces = [cell.text or ""]
    for part in cell:
        pieces += [_words(part), part.tail or ""]
    return " ".join(" ".join(pieces).split()) if apart else _words(cell)


def _number(element: Element, name: str) -> int:
    """A small number in an attribute of any namespace; 0 when there is none."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name and value.isdecimal() and len(value) < 4:
            return int(value)
    return 0


def _records(elements: list[Element]) -> list[list[str]] | None:
    """Rows of like elements that hold only fields, the names first; None when they do not."""
    if len(elements) < _LEAST_RECORDS or len({one.tag for one in elements}) > 1:
        return None
    if local_name(elements[0]) in _BLOCKS:
        return None
    columns: dict[str, int] = {}
    rows: list[dict[str, str]] = []
    for element in elements:
        row: dict[str, str] = {}
        for key, value in _fields(element):
            if value is None or key in row or len(value) > _MAX_CELL_CHARS:
                return None
            row[key] = value
            columns.setdefault(key, len(columns))
        rows.append(row)
    if not 2 <= len(columns) <= _MAX_COLUMNS:
        return None
    return [list(columns), *([row.get(key, "") for key in columns] for row in rows)]


def _fields(element: Element) -> Iterator[tuple[str, str | None]]:
    """Attributes and children with their values; None for what is no plain value."""
    for key, value in element.attrib.items():
        if not key.startswith(_XML_NAMESPACES):
            yield key.rpartition("}")[2], value
    if element.text and element.text.strip():
        yield local_name(element), " ".join(element.text.split())
    for child in element:
        plain = not len(list(child)) and not _attributes(child)
        plain = plain and not (child.tail and child.tail.strip())
        yield local_name(child), " ".join((child.text or "").split()) if plain else None
