"""The index kinds side by side: insert rate, size, and recall@10 against exact search."""

import asyncio
import random
import statistics
import time
from uuid import UUID, uuid5

import numpy as np

from benchmarks.bulk_load import AT_ONCE, load_then_index
from benchmarks.corpus import prose
from benchmarks.own_database import own_database
from benchmarks.report import Report, Results, percentile, run
from ingest.adapters.embedders.wordllama import MODEL, WordllamaEmbedder
from ingest.adapters.postgres.documents.chunk_rows import COLUMNS
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.domain.embedding import Vectors
from ingest.domain.identity import LOCAL_TENANT, NAMESPACE
from ingest.domain.index_kind import EF_CONSTRUCTION, LEAST_EF_CONSTRUCTION, IndexKind

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
    texts = _texts(rows + queries)
    vectors = await WordllamaEmbedder().embed(texts)
    stored, asked = vectors[:rows], vectors[rows:]
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
        recall, p50 = await _search(database, stored, asked)
        results |= {
            f"{name}_rows_per_s": rate,
            f"{name}_ratio_vs_no_index": rate / none_rate,
            f"{name}_size_mb": await _index_bytes(database) / 1e6,
            f"recall_{name}": recall,
            f"{name}_search_p50_ms": p50,
        }
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


def _texts(count: int) -> list[str]:
    rng = random.Random(5)
    texts: list[str] = []
    while len(texts) < count:
        texts += [paragraph for _, ps in prose(rng, 20_000) for paragraph in ps]
    return texts[:count]


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
        _id(at), LOCAL_TENANT, _DOCUMENT, 1, at, 0, len(text), None, [], 1, text, bytes(32),
        "benchmark", MODEL.name, MODEL.version, MODEL.dimension, vector,
    )  # fmt: skip


def _id(at: int) -> UUID:
    return uuid5(_DOCUMENT, str(at))


async def _search(database: Database, stored: Vectors, asked: Vectors) -> tuple[float, float]:
    """Mean recall@10, and the median time of a search in milliseconds."""
    store = SearchStore(database, MODEL)
    recalls, times = [], []
    for vector in asked:
        best = np.argsort(-(stored @ vector), kind="stable")[:_K]
        exact = {_id(int(at)) for at in best}
        began = time.monotonic()
        hits = await store.search(vector, LOCAL_TENANT, limit=_K)
        times.append(1000 * (time.monotonic() - began))
        recalls.append(len({hit.chunk_id for hit in hits} & exact) / _K)
    return statistics.mean(recalls), percentile(times, 0.5)


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
