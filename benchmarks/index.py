"""The index kinds side by side: insert rate, size, and what they find of people's questions."""

import asyncio
import statistics
import time
from uuid import UUID, uuid5

import numpy as np

from benchmarks.bulk_load import AT_ONCE, load_then_index
from benchmarks.own_database import own_database
from benchmarks.real_texts import FACTS, QUESTIONS, passages, shuffled_notes
from benchmarks.report import Report, Results, percentile, run
from ingest.adapters.embedders.wordllama import MODEL, WordllamaEmbedder
from ingest.adapters.postgres.documents.chunk_rows import COLUMNS
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.postgres.search.nearest import NearestChunks, Question
from ingest.domain.embedding import Vectors
from ingest.domain.held_out import sentence_of
from ingest.domain.identity import LOCAL_TENANT, NAMESPACE
from ingest.domain.index_kind import EF_CONSTRUCTION, LEAST_EF_CONSTRUCTION, IndexKind
from ingest.domain.search_recall import EF_SEARCH, EF_STEPS, found

_DOCUMENT = uuid5(NAMESPACE, "benchmark")
_SCHEMA = "upload_pipeline"
_K = 10
_BUILD_SECONDS = 3600.0
_TRIED = (
    ("quick_halfvec", IndexKind.HALFVEC, LEAST_EF_CONSTRUCTION),
    ("bit", IndexKind.BIT, EF_CONSTRUCTION),
    ("halfvec", IndexKind.HALFVEC, EF_CONSTRUCTION),
)
"""By name: the kind, and how carefully it is built."""
_ALIKE = 0.4
"""The share of the rows that are near-equal notes, which hide the others from an index."""


def measure(quick: bool) -> Report:
    """Insert the same real vectors into a table with each kind of index, and search them."""
    rows, queries, rounds = (3_000, 50, 1) if quick else (20_000, 200, 3)
    with own_database() as (_, url):
        results = asyncio.run(_measure(url, rows, queries, rounds))
    settings = {
        "rows": rows,
        "queries": queries,
        "rounds": rounds,
        "model": MODEL.label,
        "k": _K,
        "connections": AT_ONCE,
    }
    return Report("index", settings, "no index: exact search, plain COPY (none_*)", results)


async def _measure(url: str, rows: int, queries: int, rounds: int) -> Results:
    texts, questions = _texts(rows, queries)
    embedder = WordllamaEmbedder()
    stored, asked = await embedder.embed(texts), await embedder.embed(questions)
    database = Database(url, pool_size=2)
    seen = [await _round(database, texts, stored, asked) for _ in range(rounds)]
    await database.close()
    results: Results = {key: statistics.median(one[key] for one in seen) for key in seen[0]}
    return results


async def _round(
    database: Database, texts: list[str], stored: Vectors, asked: Vectors
) -> dict[str, float]:
    index = IndexStore(database)
    await _empty(database)
    await index.drop(MODEL)
    none_rate = await _insert(database, texts, stored)
    results = {"none_rows_per_s": none_rate}
    for name, kind, ef_construction in _TRIED:
        await _empty(database)
        await index.rebuild(MODEL, kind, ef_construction=ef_construction)
        rate = await _insert(database, texts, stored)
        recall, p50 = await _search(database, stored, asked, EF_SEARCH)
        few, _ = await _search(database, stored, asked, EF_STEPS[0])
        results |= {
            f"{name}_rows_per_s": rate,
            f"{name}_ratio_vs_no_index": rate / none_rate,
            f"{name}_size_mb": await _index_bytes(database) / 1e6,
            f"recall_{name}": recall,
            f"recall_{name}_few_candidates": few,
            f"{name}_search_p50_ms": p50,
        }
    results["exact_search_p50_ms"] = await _exact_ms(database, asked)
    await _empty(database)
    raw = await _copy_then_index(database, texts, stored)
    await _empty(database)
    bulk = await load_then_index(database, texts, stored)
    return results | {
        "copy_then_index_rows_per_s": raw,
        "bulk_rows_per_s": bulk,
        "bulk_ratio_vs_copy_then_index": bulk / raw,
    }


async def _copy_then_index(database: Database, texts: list[str], vectors: Vectors) -> float:
    """Rows a second without a ledger: COPY into the bare table, then CREATE INDEX."""
    await IndexStore(database).drop(MODEL)
    copied = len(vectors) / await _insert(database, texts, vectors)
    began = time.monotonic()
    async with database.connection() as connection:
        await connection.execute(
            f"CREATE INDEX benchmark_hnsw ON {_SCHEMA}.document_chunks "
            f"USING hnsw ((embedding::halfvec({MODEL.dimension})) halfvec_cosine_ops) "
            f"WHERE embed_model = '{MODEL.name}' AND embed_version = '{MODEL.version}'",
            timeout=_BUILD_SECONDS,
        )
        seconds = copied + time.monotonic() - began
        await connection.execute(f"DROP INDEX {_SCHEMA}.benchmark_hnsw")
    return len(vectors) / seconds


def _texts(rows: int, queries: int) -> tuple[list[str], list[str]]:
    """What is stored, and what is asked: people's questions, and sentences of other passages."""
    alike = int(rows * _ALIKE)
    found = passages(rows - alike - len(FACTS) + queries, words=14)
    sentences = [sentence_of(text) for text in found[: queries - len(QUESTIONS)]]
    stored = [*found[queries:], *shuffled_notes(alike), *FACTS]
    return stored, [*QUESTIONS, *sentences][:queries]


async def _empty(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(f"TRUNCATE {_SCHEMA}.documents CASCADE")
        await connection.execute(
            f"INSERT INTO {_SCHEMA}.documents (document_id, tenant_id, name, filename, media_type, "  # noqa: S608
            "bytes_len, file_sha256, raw_key, live_generation, chunk_count) "
            "VALUES ($1, $2, 'benchmark', 'benchmark.txt', 'text/plain', 1, $3, 'none', 1, 1)",
            _DOCUMENT,
            LOCAL_TENANT,
            "0" * 64,
        )


async def _insert(database: Database, texts: list[str], vectors: Vectors) -> float:
    records = [_record(at, texts[at], vector) for at, vector in enumerate(vectors)]

    async def copy(share: list[tuple[object, ...]]) -> None:
        async with database.transaction() as connection:
            await connection.copy_records_to_table(
                "document_chunks", schema_name=_SCHEMA, records=share, columns=COLUMNS
            )

    began = time.monotonic()
    await asyncio.gather(*(copy(records[way::AT_ONCE]) for way in range(AT_ONCE)))
    seconds = time.monotonic() - began
    async with database.connection() as connection:
        await connection.execute(f"ANALYZE {_SCHEMA}.document_chunks")
    return len(records) / seconds


def _record(at: int, text: str, vector: Vectors) -> tuple[object, ...]:
    return (
        _id(at), LOCAL_TENANT, _DOCUMENT, 1, at, 0, len(text), None, [], 1, None, text,
        bytes(32), "benchmark", MODEL.name, MODEL.version, MODEL.dimension, vector, None,
    )  # fmt: skip


def _id(at: int) -> UUID:
    return uuid5(_DOCUMENT, str(at))


async def _search(
    database: Database, stored: Vectors, asked: Vectors, ef_search: int
) -> tuple[float, float]:
    """Mean recall@10 of the index alone, and the median time of a search in milliseconds."""
    nearest = NearestChunks(MODEL)
    recalls, times = [], []
    for vector in asked:
        exact = np.sort(stored @ vector)[::-1][:_K].tolist()
        began = time.monotonic()
        async with database.transaction() as connection:
            question = Question(vector, LOCAL_TENANT, _K)
            rows = await nearest.by_index(connection, question, ef_search=ef_search)
        times.append(1000 * (time.monotonic() - began))
        # Exact to single precision, which sums up in another order here than in the server.
        recalls.append(found([row["score"] + 1e-6 for row in rows], exact))
    return statistics.mean(recalls), percentile(times, 0.5)


async def _exact_ms(database: Database, asked: Vectors) -> float:
    """Median time of a comparison with every row."""
    nearest, times = NearestChunks(MODEL, again_ms=60_000), []
    for vector in asked[:50]:
        began = time.monotonic()
        async with database.transaction() as connection:
            await nearest.exactly(connection, Question(vector, LOCAL_TENANT, _K))
        times.append(1000 * (time.monotonic() - began))
    return percentile(times, 0.5)


async def _index_bytes(database: Database) -> int:
    async with database.connection() as connection:
        return int(
            await connection.fetchval(
                f"SELECT pg_relation_size(format('{_SCHEMA}.%I', index_name)::regclass) "  # noqa: S608
                f"FROM {_SCHEMA}.embedding_models WHERE embed_model = $1",
                MODEL.name,
            )
        )


if __name__ == "__main__":
    run(measure, description=__doc__)
