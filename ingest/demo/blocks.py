"""Reads Markdown as a flat list of blocks, for formats without mark-up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import markdown as markdown_library
from lxml import html  # type: ignore[import-untyped]  # ships no types

EXTENSIONS = ["tables", "fenced_code", "sane_lists"]
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


@dataclass(frozen=True, slots=True)
class HeadingBlock:
    """A heading with its level."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of text."""

    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a list."""

    text: str
    ordered: bool


@dataclass(frozen=True, slots=True)
class Code:
    """Text whose line breaks and spaces count."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first row holds the headings."""

    rows: tuple[tuple[str, ...], ...]


Block = HeadingBlock | Paragraph | Item | Code | Table


def to_html(markdown: str) -> str:
    """Convert Markdown to the body of an HTML page."""
    return str(markdown_library.markdown(markdown, extensions=EXTENSIONS, output_format="html"))


def read_blocks(markdown: str) -> Iterator[Block]:
    """Read the blocks of a document, in order."""
    body = to_html(markdown)
    if body.strip():
        yield from _blocks(html.fragment_fromstring(body, create_parent="div"))


def _blocks(parent: Any) -> Iterator[Block]:
    for element in parent:
        if not isinstance(element.tag, str):
            continue  # a comment
        if element.tag in _HEADINGS:
            yield HeadingBlock(_HEADINGS[element.tag], _text(element))
        elif element.tag == "pre":
            yield Code(element.text_content().rstrip("\n"))
        elif element.tag in ("ul", "ol"):
            yield from _items(element)
        elif element.tag == "table":
            rows = (tuple(_text(cell) for cell in row) for row in element.iter("tr"))
            yield Table(tuple(row for row in rows if row))
        elif element.tag in ("div", "blockquote"):
            yield from _blocks(element)
        elif text := _text(element):
            yield Paragraph(text)


def _items(parent: Any) -> Iterator[Block]:
    for entry in parent:
        nested = [child for child in entry if child.tag in ("ul", "ol", "pre", "table")]
        for child in nested:
            child.drop_tree()
        if text := _text(entry):
            yield Item(text, ordered=parent.tag == "ol")
        for child in nested:
            wrapper = html.Element("div")
            wrapper.append(child)
            yield from _blocks(wrapper)


def _text(element: Any) -> str:
    return " ".join(element.text_content().split())
