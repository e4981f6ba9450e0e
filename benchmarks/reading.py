"""How well PDFs are read: words in order, tables and headings against a truth, and pages a second.

A folder holds ``pdfs/NAME.pdf`` and ``truth/NAME.md``, or ``truth.json`` with the tables of each
name in HTML. References at the end are not compared. Without a folder, generated PDFs stand in.
The baseline is the plain text of PDFium; readers of other projects are measured where they are
installed.
"""

import importlib.util
import json
import os
import re
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pypdfium2

from benchmarks.generated_papers import write_papers
from benchmarks.reading_scores import Node, heading_score, similarity, size, table_score, tables
from benchmarks.report import Report, Results, arguments, finish
from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.parsers.local.parser_limits import ParserLimits

_LIMITS = ParserLimits(5_000, 50_000_000, ocr=OcrOptions(on=False))
"""No reader recognizes text in pictures here; ``benchmarks.ocr`` measures that."""
_REFERENCES = re.compile(r"^\W*(?:\d+\W+)?References\W*$", re.MULTILINE | re.IGNORECASE)
_MOST_CELLS = 120
_MOST_PARTS = 450
_GENERATED = 12
Read = Callable[[Path], str]


def _own(path: Path) -> str:
    return parse_document(path.read_bytes(), filename=path.name, limits=_LIMITS).text


def _plain(path: Path) -> str:
    document = pypdfium2.PdfDocument(path)
    try:
        return "\n\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def _liteparse() -> Read:
    library: Any = importlib.import_module("liteparse")
    reader = library.LiteParse(
        ocr_enabled=False, quiet=True, num_workers=1, output_format="markdown"
    )
    return lambda path: str(reader.parse(str(path)).text)


def _kreuzberg() -> Read:
    library: Any = importlib.import_module("kreuzberg")
    config = library.ExtractionConfig(output_format="markdown")
    return lambda path: str(library.extract_file_sync(str(path), config=config).content)


_PEERS: dict[str, Callable[[], Read]] = {"liteparse": _liteparse, "kreuzberg": _kreuzberg}


def readers() -> dict[str, Read]:
    """Ours, plain text of PDFium, and those of other projects that are installed."""
    found: dict[str, Read] = {"ours": _own, "pypdfium2": _plain}
    return found | {
        name: make() for name, make in _PEERS.items() if importlib.util.find_spec(name) is not None
    }


@dataclass(slots=True)
class _Scores:
    """Of one reader, each from 0 to 1, for each text or table with a truth."""

    words: list[float] = field(default_factory=list)
    tables: list[float] = field(default_factory=list)
    headings: list[float] = field(default_factory=list)
    pages: int = 0
    seconds: float = 0.0


def measure(folders: Sequence[Path]) -> Report:
    """Let every reader read all PDFs of the folders, and score them."""
    results: Results = {}
    for name, read in readers().items():
        scores = _Scores()
        for folder in folders:
            _read(read, folder, scores)
        ending = "" if name == "ours" else f"_{name}"
        results[f"nid{ending}"] = _mean(scores.words)
        results[f"teds{ending}"] = _mean(scores.tables)
        results[f"mhs{ending}"] = _mean(scores.headings)
        results[f"pages_per_cpu_s{ending}"] = scores.pages / scores.seconds
        results |= {"pages": scores.pages, "texts": len(scores.words)}
        results |= {"tables": len(scores.tables)}
    return Report("reading", {}, "the plain text of PDFium (pypdfium2)", results)


def _read(read: Read, folder: Path, scores: _Scores) -> None:
    paths = sorted((folder / "pdfs").glob("*.pdf"))
    began = _cpu_seconds()
    texts = {path.stem: read(path) for path in paths}
    scores.seconds += _cpu_seconds() - began
    for path in paths:
        document = pypdfium2.PdfDocument(path)
        scores.pages += len(document)
        document.close()
    _score(texts, folder, scores)


def _cpu_seconds() -> float:
    """Of this process and of those that it has waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _score(texts: dict[str, str], folder: Path, scores: _Scores) -> None:
    listed = folder / "truth.json"
    wanted = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else {}
    for name, text in texts.items():
        own = [table for table in tables(text) if size(table) <= _MOST_PARTS]
        path = folder / "truth" / f"{name}.md"
        truth = path.read_text(encoding="utf-8") if path.exists() else ""
        true_tables = [
            table for markup in [*wanted.get(name, []), truth] for table in tables(markup)
        ]
        scores.tables += [
            table_score(table, own) for table in true_tables if _cells(table) <= _MOST_CELLS
        ]
        if truth:
            ends = list(_REFERENCES.finditer(text))
            compared = text[: ends[-1].start()] if ends else text
            scores.words.append(similarity(truth, compared))
            score = heading_score(truth, compared)
            scores.headings += [score] if score is not None else []


def _cells(table: Node) -> int:
    return sum(len(row.children) for row in table.children)


def _mean(values: list[float]) -> float | None:
    return statistics.fmean(values) if values else None


def main() -> None:
    """Measure, print and save."""
    parser = arguments(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reading-") as name:
        folders = [] if chosen.quick else chosen.folders
        if not folders:
            write_papers(Path(name), _GENERATED)
        report = measure(folders or [Path(name)])
    dataset = ", ".join(folder.name for folder in folders) or f"{_GENERATED} generated PDFs"
    finish(replace(report, dataset=dataset), chosen)


if __name__ == "__main__":
    main()
