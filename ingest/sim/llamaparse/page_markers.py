"""Reads the pages of a document, and its markers, which control the simulator."""

import html
import io
import re
import zipfile
from dataclasses import dataclass

import pypdfium2

_PAGE_CHARS = 3000
_TAGS = re.compile(r"<[^>]+>")
_ENTRY = re.compile(r"<si>(.*?)</si>", re.DOTALL)
_ROW = re.compile(r"<row[^>]*>(.*?)</row>", re.DOTALL)
_CELL = re.compile(r"<c ([^>/]*)>(.*?)</c>", re.DOTALL)
_MARK = re.compile(rb"SIM:([A-Z_]+)(?:=([A-Za-z_0-9]+))?")
TIERS = ("fast", "cost_effective", "agentic", "agentic_plus")
MOST_BYTES = 64 * 1024
"""Most bytes of a page's text; the rest is cut off without an error, as by the real service."""


@dataclass(frozen=True, slots=True)
class PageMarkers:
    """A marker in a file, such as ``SIM:FAIL=TIMEOUT``, and its value."""

    name: str | None = None
    value: str | None = None

    @classmethod
    def of(cls, data: bytes, tier: str) -> "PageMarkers":
        """Read the markers of a file; ``SIM:BETTER_TIER`` limits them to lower tiers."""
        found = {m[1].decode(): (m[2] or b"").decode() for m in _MARK.finditer(data)}
        better = found.pop("BETTER_TIER", None)
        if better in TIERS and tier in TIERS and TIERS.index(tier) >= TIERS.index(better):
            return cls()
        for name, value in found.items():
            return cls(name, value)
        return cls()


def split(data: bytes, filename: str) -> list[str]:
    """Split a file into the texts of its pages.

    Raises:
        ValueError: the failure code that the service gives for such a file.
    """
    if data.startswith(b"%PDF"):
        return _pdf(data)
    if data.startswith(b"PK"):
        return _package(data)
    text = data.decode("utf-8", "replace")
    if filename.lower().endswith((".html", ".htm")):
        text = _TAGS.sub(" ", text)
    return [text[i : i + _PAGE_CHARS] for i in range(0, len(text), _PAGE_CHARS)] or [""]


def _pdf(data: bytes) -> list[str]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        code = "PDF_IS_PROTECTED" if "password" in str(exc).lower() else "PDF_IS_BROKEN"
        raise ValueError(code) from exc
    try:
        texts = [page.get_textpage().get_text_bounded() for page in document]
        return [text if text.strip() else _seen(number) for number, text in enumerate(texts, 1)]
    finally:
        document.close()


def _seen(number: int) -> str:
    """The text that OCR finds on a page that is an image."""
    return f"# Scanned page {number}\n\nThis is what the picture on page {number} says."


def _package(data: bytes) -> list[str]:
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as exc:
        raise ValueError("UNSUPPORTED_FILE_TYPE") from exc
    if "xl/workbook.xml" in package.namelist():
        return _sheets(package)
    parts = [
        name
        for name in package.namelist()
        if re.search(r"(word/document|ppt/slides/slide\d+|\.x?html?)", name)
        and name.endswith((".xml", ".html", ".xhtml", ".htm"))
    ]
    pages = []
    for name in sorted(parts):
        text = package.read(name).decode("utf-8", "replace")
        text = re.sub(r"</(w:p|a:p|p|h\d|li|si)>", "\n", text)
        pages.append(_TAGS.sub("", text).strip())
    return pages or [""]


def _sheets(package: zipfile.ZipFile) -> list[str]:
    """Read a workbook: one page for each sheet, one line for each row."""
    shared: list[str] = []
    if "xl/sharedStrings.xml" in package.namelist():
        strings = package.read("xl/sharedStrings.xml").decode("utf-8", "replace")
        shared = [_TAGS.sub("", entry) for entry in _ENTRY.findall(strings)]
    pages = []
    for name in sorted(n for n in package.namelist() if n.startswith("xl/worksheets/sheet")):
        rows = []
        for row in _ROW.findall(package.read(name).decode("utf-8", "replace")):
            cells = [
                shared[int(_TAGS.sub("", value))] if 't="s"' in attributes else _TAGS.sub("", value)
                for attributes, value in _CELL.findall(row)
            ]
            rows.append(" | ".join(html.unescape(cell) for cell in cells))
        pages.append("\n".join(rows))
    return pages or [""]
