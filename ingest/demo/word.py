"""Writes Word files."""

from pathlib import Path
from typing import Any

import docx

from ingest.demo.blocks import Block, Code, HeadingBlock, Item, Paragraph, Table, read_blocks


def write_docx(title: str, markdown: str, path: Path) -> None:
    """Write a Word file."""
    document = docx.Document()
    document.core_properties.title = title
    for block in read_blocks(markdown):
        _add(document, block)
    document.save(str(path))


def _add(document: Any, block: Block) -> None:
    match block:
        case HeadingBlock(level, text):
            document.add_heading(text, level)
        case Paragraph(text):
            document.add_paragraph(text)
        case Item(text, ordered):
            document.add_paragraph(text, "List Number" if ordered else "List Bullet")
        case Code(text):
            document.add_paragraph().add_run(text).font.name = "Courier New"
        case Table(rows):
            _add_table(document, rows)


def _add_table(document: Any, rows: tuple[tuple[str, ...], ...]) -> None:
    columns = max(map(len, rows), default=0)
    table = document.add_table(rows=0, cols=columns)
    table.style = "Table Grid"
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=False):
            cell.text = text
