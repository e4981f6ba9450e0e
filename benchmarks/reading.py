"""How well PDFs are read: words in order, tables and headings against a truth, and pages a second.

``python -m benchmarks.reading FOLDER``: a folder holds ``pdfs/NAME.pdf`` and ``truth/NAME.md``, or
``truth.json`` with the tables of each name in HTML. References at the end are not compared.
"""

import argparse
import importlib.util
import json
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2

from benchmarks.reading_scores import Node, heading_score, similarity, size, table_score, tables
from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits

_LIMITS = ParserLimits(5_000, 50_000_000)
_REFERENCES = re.compile(r"^\W*(?:\d+\W+)?References\W*$", re.MULTILINE | re.IGNORECASE)
_MOST_CELLS = 120
_MOST_PARTS = 450
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


def measure(read: Read, folder: Path) -> dict[str, float | None]:
    """Read all PDFs of a folder and score them; a score without any truth is None."""
    paths = sorted((folder / "pdfs").glob("*.pdf"))
    texts, pages = {}, 0
    began = time.process_time()
    for path in paths:
        texts[path.stem] = read(path)
    seconds = time.process_time() - began
    for path in paths:
        document = pypdfium2.PdfDocument(path)
        pages += len(document)
        document.close()
    return _score(texts, folder) | {"pages_per_cpu_s": round(pages / seconds, 1)}


def _score(texts: dict[str, str], folder: Path) -> dict[str, float | None]:
    words, headings, found = [], [], []
    listed = folder / "truth.json"
    wanted = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else {}
    for name, text in texts.items():
        own = [table for table in tables(text) if size(table) <= _MOST_PARTS]
        path = folder / "truth" / f"{name}.md"
        truth = path.read_text(encoding="utf-8") if path.exists() else ""
        true_tables = [
            table for markup in [*wanted.get(name, []), truth] for table in tables(markup)
        ]
        found += [table_score(table, own) for table in true_tables if _cells(table) <= _MOST_CELLS]
        if truth:
            ends = list(_REFERENCES.finditer(text))
            compared = text[: ends[-1].start()] if ends else text
            words.append(similarity(truth, compared))
            score = heading_score(truth, compared)
            headings += [score] if score is not None else []
    return {"nid": _mean(words), "teds": _mean(found), "mhs": _mean(headings)}


def _cells(table: Node) -> int:
    return sum(len(row.children) for row in table.children)


def _mean(values: list[float]) -> float | None:
    return round(statistics.fmean(values), 4) if values else None


def main() -> None:
    """Print one JSON object: the scores of each reader."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=["ours", "pypdfium2", *_PEERS])
    arguments = parser.parse_args()
    chosen = {
        name: read
        for name, read in readers().items()
        if arguments.only is None or name == arguments.only
    }
    print(json.dumps({name: measure(read, arguments.folder) for name, read in chosen.items()}))


if __name__ == "__main__":
    main()
