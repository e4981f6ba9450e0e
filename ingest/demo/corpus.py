"""Renders the project's documentation to the files that the demo ingests."""

from collections.abc import Callable, Sequence
from pathlib import Path

import ingest
from ingest.domain.errors import ConfigurationError

QUESTIONS = (
    "What happens when a worker dies?",
    "Which file formats can be ingested?",
    "How do I use my own PostgreSQL server?",
    "What happens when the same file is uploaded twice?",
)
"""The questions of the demo, which the documentation answers."""

_PACKAGE = Path(ingest.__file__).resolve().parent
_TOP = ("README.md", "CHANGELOG.md")

Writer = Callable[[str, str, Path], None]
"""Writes a file from a title and Markdown."""


def sources() -> list[Path]:
    """The documentation's Markdown files: of the installed package, or of the checkout.

    Raises:
        ConfigurationError: there is no documentation.
    """
    packaged = _PACKAGE / "_docs"
    folder = packaged if packaged.is_dir() else _PACKAGE.parent
    docs = packaged if packaged.is_dir() else folder / "docs"
    top = [folder / name for name in _TOP if (folder / name).is_file()]
    found = [*top, *(path for path in sorted(docs.rglob("*.md")) if path not in top)]
    if not found:
        raise ConfigurationError(f"there is no documentation in {str(folder)!r}")
    return found


def render(target: Path, files: Sequence[Path] | None = None) -> list[Path]:
    """Write each document in one of four formats, in turn: Markdown, HTML, DOCX, PDF.

    Args:
        target: Folder to write to; it is created when missing.
        files: Markdown files; None takes the project's own.

    Returns:
        The files written, one for each source.

    Raises:
        ConfigurationError: a library of the extra ``demo`` is not installed, or there is no
            documentation.
    """
    chosen = sources() if files is None else list(files)
    writers = list(_writers().items())
    target.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for number, source in enumerate(chosen):
        suffix, write = writers[number % len(writers)]
        markdown = source.read_text(encoding="utf-8")
        path = target / f"{_name(source)}{suffix}"
        write(_title(markdown) or source.stem, markdown, path)
        written.append(path)
    return written


def _writers() -> dict[str, Writer]:
    try:
        from ingest.demo.pages import write_pdf
        from ingest.demo.web import write_html
        from ingest.demo.word import write_docx
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            f"the demo needs the library {exc.name!r}: install the extra 'demo', "
            "e.g. pip install 'ingest[demo]'"
        ) from exc
    return {".md": _write_markdown, ".html": write_html, ".docx": write_docx, ".pdf": write_pdf}


def _write_markdown(title: str, markdown: str, path: Path) -> None:
    del title
    path.write_text(markdown, encoding="utf-8")


def _name(source: Path) -> str:
    """Make a unique file name for a document; it contains the folders below ``docs``."""
    parts = source.with_suffix("").parts
    for root in ("_docs", "docs"):
        if root in parts:
            start = len(parts) - parts[::-1].index(root)
            return "-".join(parts[start:])
    return source.stem


def _title(markdown: str) -> str | None:
    """The first heading of a document, or None."""
    for line in markdown.splitlines():
        if line.startswith("# "):
            return line.removeprefix("# ").strip()
    return None
