"""Writes HTML pages."""

from html import escape
from pathlib import Path

from ingest.demo.blocks import to_html


def write_html(title: str, markdown: str, path: Path) -> None:
    """Write an HTML page."""
    page = (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head>\n<body>\n{to_html(markdown)}\n</body>\n</html>\n"
    )
    path.write_text(page, encoding="utf-8")
