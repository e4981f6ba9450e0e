"""Reads Jupyter notebooks: texts, code with its language, and the text of outputs."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ingest.adapters.parsers.local.draft import Draft, clean
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.markdown import parse_markdown
from ingest.adapters.parsers.local.formats.text import decode
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.parse_warning import WarningCode

MAX_OUTPUT_CHARS = 20_000
"""Most characters of one output."""
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_DATA_URI = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s]{100,}")
_TEXTS = ("text/markdown", "text/plain", "text/html", "text/latex")
_NO_DATA = frozenset({*_TEXTS, "application/vnd.jupyter.widget-view+json"})


def parse_ipynb(data: bytes, draft: Draft) -> None:
    """Read a notebook of format 3 or 4, cell by cell.

    Raises:
        DocumentUnreadable: the content is no notebook.
    """
    try:
        notebook = json.loads(decode(data))
        cells = _cells(notebook)
    except (ValueError, RecursionError) as exc:
        raise DocumentUnreadable("the notebook is no valid JSON") from exc
    writer = _NotebookWriter(draft, _language(notebook))
    for number, cell in enumerate(cells, start=1):
        writer.write(number, cell)
    writer.warn()


def _cells(notebook: Any) -> list[dict[str, Any]]:
    found = notebook.get("cells") if isinstance(notebook, dict) else None
    if found is None and isinstance(notebook, dict):
        sheets = _dicts(notebook.get("worksheets"))
        found = [cell for sheet in sheets for cell in sheet.get("cells") or ()]
    if not isinstance(found, list):
        raise ValueError("no cells")
    return list(_dicts(found))


def _dicts(items: Any) -> Iterator[dict[str, Any]]:
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _language(notebook: Any) -> str:
    metadata = _dict(notebook.get("metadata"))
    named = _dict(metadata.get("language_info")).get("name")
    return str(named or _dict(metadata.get("kernelspec")).get("language") or "")


def _joined(source: Any) -> str:
    """A text, which may be a list of its lines."""
    if isinstance(source, list):
        return clean("".join(str(line) for line in source))
    return clean(source) if isinstance(source, str) else ""


class _NotebookWriter:
    """Writes cells, and remembers where something was left out."""

    def __init__(self, draft: Draft, language: str) -> None:
        self._draft = draft
        self._language = language
        self._data: dict[int, None] = {}
        self._cut: dict[int, None] = {}

    def write(self, number: int, cell: dict[str, Any]) -> None:
        """Write one cell and its outputs."""
        source = self._without_data(number, _joined(cell.get("source", cell.get("input"))))
        kind = cell.get("cell_type")
        if kind == "code":
            language = str(cell.get("language") or self._language)
            self._fenced(source, language)
            for output in _dicts(cell.get("outputs")):
                self._output(number, output)
        elif kind == "markdown":
            parse_markdown(source, self._draft)
        elif kind == "heading":
            level = cell.get("level")
            self._draft.add_heading(level if isinstance(level, int) and level > 0 else 1, source)
        else:
            self._draft.add(source)
        if cell.get("attachments"):
            self._data[number] = None

    def warn(self) -> None:
        """Say what was left out."""
        if self._data:
            self._draft.warn(
                WarningCode.DATA_LEFT_OUT,
                f"pictures and other data of {_named(self._data)} are left out",
            )
        if self._cut:
            self._draft.warn(
                WarningCode.TEXT_CUT,
                f"outputs of {_named(self._cut)} are cut at {MAX_OUTPUT_CHARS} characters",
            )

    def _output(self, number: int, output: dict[str, Any]) -> None:
        kind = output.get("output_type")
        if kind == "stream":
            self._text(number, _joined(output.get("text")))
        elif kind in {"error", "pyerr"}:
            trace = "\n".join(_joined(line) for line in output.get("traceback") or ())
            said = f"{output.get('ename')}: {output.get('evalue')}"
            trace = _ANSI.sub("", trace)
            self._text(number, trace if said in trace else f"{trace}\n{said}".strip())
        else:
            self._bundle(number, _dict(output.get("data")) or _old_bundle(output))

    def _bundle(self, number: int, bundle: dict[str, Any]) -> None:
        if any(kind not in _NO_DATA for kind in bundle):
            self._data[number] = None
        kind = next((kind for kind in _TEXTS if _joined(bundle.get(kind)).strip()), None)
        text = _joined(bundle.get(kind)) if kind else ""
        if kind == "text/markdown":
            parse_markdown(self._bounded(number, self._without_data(number, text)), self._draft)
        elif kind == "text/html":
            parse_html(self._bounded(number, self._without_data(number, text)), self._draft)
        else:
            self._text(number, text)

    def _text(self, number: int, text: str) -> None:
        text = _ANSI.sub("", self._without_data(number, text))
        self._fenced(self._bounded(number, text).rstrip(), "")

    def _bounded(self, number: int, text: str) -> str:
        if len(text) > MAX_OUTPUT_CHARS:
            self._cut[number] = None
        return text[:MAX_OUTPUT_CHARS]

    def _without_data(self, number: int, text: str) -> str:
        if "base64," in text:
            text, found = _DATA_URI.subn("", text)
            if found:
                self._data[number] = None
        return text

    def _fenced(self, code: str, language: str) -> None:
        if code.strip():
            runs = [len(run) for run in re.findall("`{3,}", code)]
            fence = "`" * (max(runs, default=2) + 1)
            self._draft.add(f"{fence}{language}\n{code.strip(chr(10))}\n{fence}")


def _old_bundle(output: dict[str, Any]) -> dict[str, Any]:
    """The data of an output of format 3, by media type."""
    names = {"text": "text/plain", "html": "text/html", "latex": "text/latex", "png": "image/png"}
    return {names[key]: value for key, value in output.items() if key in names}


def _named(numbers: Iterable[int]) -> str:
    listed = [str(number) for number in numbers]
    shown = ", ".join(listed[:20]) + (f" and {len(listed) - 20} more" if len(listed) > 20 else "")
    return f"cell {shown}" if len(listed) == 1 else f"cells {shown}"
