"""Rankings made in this process, of the chunks and vectors that the product would store.

No system is started, so a way to fuse rankings is tried in seconds. Chunks and vectors are kept in
a folder and made again when the texts or the model change.
"""

import argparse
import asyncio
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
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
    bm25_scores,
    evaluate,
    first_of_each,
    fuse_runs,
)
from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.app.pipeline.chunk import cut
from ingest.domain.local_models import LOCAL_MODELS, WORDLLAMA
from ingest.domain.rank_fusion import fuse
from ingest.ports import Embedder
from ingest.settings import Settings
from ingest.wiring.chunking import make_splitter
from ingest.wiring.local_embedders import make_local_embedder

FILENAME = "document.txt"
"""Every document of a collection has this name, which says nothing about it."""
_LIMITS = ParserLimits(max_pages=5000, max_text_chars=50_000_000)
_WEIGHTS = ((1.0, 1.0), (1.0, 2.0), (1.0, 3.0), (2.0, 1.0))
"""Of the ranking by vectors and of BM25."""

_SHARES = (0.2, 0.3, 0.4, 0.5, 0.6)
Scores = dict[str, dict[int, float]]
"""Scores of the best chunks, best first, by the identifier of the question."""


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


def by_words(chunks: Chunks, queries: Mapping[str, str], language: Language) -> Scores:
    """The best chunks by BM25."""
    texts = {str(at): text for at, text in enumerate(chunks.texts)}
    return {
        query: {int(at): score for at, score in found.items()}
        for query, found in bm25_scores(texts, queries, language).items()
    }


def documents_of(chunks: Chunks, words: Scores) -> Run:
    """Documents in the order of their best chunks."""
    return {
        query: first_of_each(chunks.owners[at] for at in found) for query, found in words.items()
    }


def fused(chunks: Chunks, words: Scores, *, lexical_share: float) -> Run:
    """Documents as the product fuses the best hundred chunks of each ranking."""
    run: Run = {}
    for (query, lexical), asked in zip(words.items(), chunks.asked, strict=True):
        near = chunks.vectors @ asked
        nearest = np.argsort(-near, kind="stable")[:DEPTH].tolist()
        similarities = {at: float(near[at]) for at in {*nearest, *lexical}}
        order = fuse(similarities, lexical, frozenset(), lexical_share=lexical_share)
        run[query] = first_of_each(chunks.owners[at] for at in order)[:DEPTH]
    return run


def compare(
    name: str, collection: Collection, embedder: Embedder, settings: Settings, *, cache: Path
) -> dict[str, Quality]:
    """How good the rankings of a collection are, by their names."""
    language = SOURCES[name].language
    chunks = cut_and_embed(collection, embedder, cache=cache, settings=settings)
    vector = by_vector(chunks, list(collection.queries))
    scores = by_words(chunks, collection.queries, language)
    words = documents_of(chunks, scores)
    runs = {
        "bm25 of documents": bm25(collection.documents, collection.queries, language),
        "bm25 of chunks": words,
        "vector": vector,
    }
    for weights in _WEIGHTS:
        runs["fused {:g} × vector, {:g} × bm25".format(*weights)] = fuse_runs(
            vector, words, weights=weights
        )
    for share in _SHARES:
        runs[f"as the product, lexical share {share:g}"] = fused(
            chunks, scores, lexical_share=share
        )
    return {way: evaluate(run, collection.relevant) for way, run in runs.items()}


def main() -> None:
    """Print a table for each collection."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collections", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--local-model", choices=LOCAL_MODELS, default=WORDLLAMA.name)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir(), "ingest-offline-search")
    )
    chosen = parser.parse_args()
    settings = Settings(local_model=chosen.local_model)
    embedder = make_local_embedder(settings)
    for name in present(chosen.collections):
        collection = load(name, chosen.collections)
        table = Table("ranking", "nDCG@10", "recall@10", "MRR@10", title=name)
        for way, found in compare(name, collection, embedder, settings, cache=chosen.cache).items():
            table.add_row(way, *(f"{value:.3f}" for value in found))
        Console(width=80).print(table)


if __name__ == "__main__":
    main()
