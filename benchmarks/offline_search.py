"""Rankings made in this process, of the chunks and vectors that the product would store.

No system is started, so a way to fuse rankings is tried in seconds. Chunks and vectors are kept in
a folder and made again when the texts or the model change.
"""

import argparse
import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.collections import SOURCES, Collection, load, present
from benchmarks.ranking import (
    DEPTH,
    Language,
    Quality,
    Run,
    bm25,
    evaluate,
    first_of_each,
    fuse_runs,
)
from ingest.adapters.embedders.wordllama import WordllamaEmbedder
from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.app.pipeline.chunk import cut
from ingest.ports import Embedder
from ingest.settings import Settings
from ingest.wiring.chunking import make_splitter

FILENAME = "document.txt"
"""Every document of a collection has this name, which says nothing about it."""
_LIMITS = ParserLimits(max_pages=5000, max_text_chars=50_000_000)
_WEIGHTS = ((1.0, 1.0), (1.0, 2.0), (1.0, 3.0), (2.0, 1.0))
"""Of the ranking by vectors and of BM25."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """All chunks of a collection, with the vectors of chunks and of questions."""

    owners: Sequence[str]
    """The document of each chunk."""
    texts: Sequence[str]
    vectors: NDArray[np.float32]
    """One row a chunk, of length 1 or 0."""
    asked: NDArray[np.float32]
    """One row a question, in the collection's order, of length 1 or 0."""


def cut_and_embed(
    collection: Collection, embedder: Embedder, *, cache: Path, settings: Settings | None = None
) -> Chunks:
    """Chunks as the product cuts them, and their vectors.

    Args:
        collection: Documents and questions.
        embedder: Makes the vectors.
        cache: Folder for the vectors.
        settings: Sizes of chunks; the defaults of the product without it.
    """
    splitter = make_splitter(settings or Settings())
    owners, texts = [], []
    for name, text in collection.documents.items():
        parsed = parse_document(text.encode(), filename=FILENAME, limits=_LIMITS)
        for chunk in cut(parsed, UUID(int=0), splitter, filename=FILENAME):
            owners.append(name)
            texts.append(chunk.text)
    model = embedder.model.label
    return Chunks(
        owners,
        texts,
        _vectors(texts, embedder, cache, model),
        _vectors(list(collection.queries.values()), embedder, cache, model),
    )


def _vectors(
    texts: Sequence[str], embedder: Embedder, cache: Path, model: str
) -> NDArray[np.float32]:
    digest = hashlib.sha256("\0".join([model, *texts]).encode()).hexdigest()
    path = cache / f"{digest}.npy"
    if path.exists():
        kept: NDArray[np.float32] = np.load(path)
        return kept
    vectors = asyncio.run(embedder.embed(texts))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = (vectors / np.where(lengths, lengths, 1)).astype(np.float32)
    cache.mkdir(parents=True, exist_ok=True)
    np.save(path, unit)
    return unit


def by_vector(chunks: Chunks, queries: Sequence[str]) -> Run:
    """Documents in the order of their nearest chunks: exact search."""
    near = chunks.asked @ chunks.vectors.T
    order = np.argsort(-near, axis=1, kind="stable")
    return {
        query: first_of_each(chunks.owners[at] for at in row)[:DEPTH]
        for query, row in zip(queries, order, strict=True)
    }


def by_words(chunks: Chunks, queries: Mapping[str, str], language: Language) -> Run:
    """Documents in the order of their best chunks by BM25."""
    texts = {str(at): text for at, text in enumerate(chunks.texts)}
    return {
        query: first_of_each(chunks.owners[int(at)] for at in found)
        for query, found in bm25(texts, queries, language).items()
    }


def compare(
    name: str, collection: Collection, embedder: Embedder, *, cache: Path
) -> dict[str, Quality]:
    """How good the rankings of a collection are, by their names."""
    language = SOURCES[name].language
    chunks = cut_and_embed(collection, embedder, cache=cache)
    vector = by_vector(chunks, list(collection.queries))
    words = by_words(chunks, collection.queries, language)
    runs = {
        "bm25 of documents": bm25(collection.documents, collection.queries, language),
        "bm25 of chunks": words,
        "vector": vector,
    }
    for weights in _WEIGHTS:
        runs["fused {:g} × vector, {:g} × bm25".format(*weights)] = fuse_runs(
            vector, words, weights=weights
        )
    return {way: evaluate(run, collection.relevant) for way, run in runs.items()}


EMBEDDERS: dict[str, Callable[[], Embedder]] = {"local": WordllamaEmbedder}
"""Embedders that need no service, by the name that INGEST_EMBEDDER has for them."""


def main() -> None:
    """Print a table for each collection."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collections", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--embedder", choices=EMBEDDERS, default="local")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir(), "ingest-offline-search")
    )
    chosen = parser.parse_args()
    embedder = EMBEDDERS[chosen.embedder]()
    for name in present(chosen.collections):
        collection = load(name, chosen.collections)
        table = Table("ranking", "nDCG@10", "recall@10", "MRR@10", title=name)
        for way, found in compare(name, collection, embedder, cache=chosen.cache).items():
            table.add_row(way, *(f"{value:.3f}" for value in found))
        Console(width=80).print(table)


if __name__ == "__main__":
    main()
