"""How fast search is: each mode, at several numbers of chunks, beside plain SQL.

The large tenant of the corpus asks; its chunks are nine tenths of all. Questions are of five kinds,
in equal numbers. A question's vector is made before the time is taken.
"""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from benchmarks.own_database import own_database
from benchmarks.report import Report, Results, arguments, finish, percentile
from benchmarks.search_corpus import DOCUMENT_CHUNKS, questions, tenants
from benchmarks.search_load import SCHEMA, load
from ingest.adapters.embedders.wordllama import MODEL, WordllamaEmbedder
from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
from ingest.adapters.postgres.pool import Database, TenantDatabase, act_for
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.adapters.text_analysis.query import parse
from ingest.domain.errors import StoreUnavailable

_SIZES = (10_000, 100_000, 1_000_000)
_QUICK_SIZES = (10_000,)
_OF_EACH_KIND, _QUICK_OF_EACH_KIND = 40, 10
_ANY_OF_EACH_KIND = 4
"""Questions that plain SQL is asked for any of their words, which takes it seconds."""
_K = 10
_CLIENTS = (1, 2)
_SQL_MS = 10_000
"""Longest that a statement of plain SQL may take; a longer one counts as if it took that."""
_RRF = 60
_NEAREST = f"""
SELECT chunk_id, text FROM {SCHEMA}.document_chunks
WHERE tenant_id = $1 AND embed_model = '{MODEL.name}' AND embed_version = '{MODEL.version}'
ORDER BY embedding::halfvec({MODEL.dimension}) <=> $2::halfvec({MODEL.dimension}) LIMIT {_K}
"""  # noqa: S608 - constants
_WITH_WORDS = f"""
SELECT chunk_id, text FROM {SCHEMA}.document_chunks
WHERE tenant_id = $1 AND embed_model = '{MODEL.name}' AND embed_version = '{MODEL.version}'
    AND terms @@ $2::text::tsquery
ORDER BY ts_rank(terms, $2::text::tsquery) DESC LIMIT {_K}
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class _Question:
    kind: str
    text: str
    vector: NDArray[np.float32]


_Ask = Callable[[_Question], Awaitable[object]]


def measure(sizes: Sequence[int], *, quick: bool, folder: Path | None) -> Report:
    """Load each number of chunks in turn, and ask the questions at each.

    Args:
        sizes: Numbers of chunks, ascending.
        quick: Ask fewer questions.
        folder: Where the database is, or is left for the next run; a temporary one without it.
    """
    of_each = _QUICK_OF_EACH_KIND if quick else _OF_EACH_KIND
    with _database(folder) as url:
        results = asyncio.run(_measure(url, sizes, of_each))
    settings = {"chunks": list(sizes), "of_each_kind": of_each, "k": _K, "model": MODEL.label}
    return Report(
        "search",
        settings,
        "two plain statements, HNSW and ts_rank of the chunks that hold all words, fused",
        results,
        dataset="sentences of Python's documentation with rare words and identifiers set in; "
        "25 tenants, of which one has nine tenths of the chunks",
    )


@contextmanager
def _database(folder: Path | None) -> Iterator[str]:
    if folder is None:
        with own_database() as (_, url):
            yield url
        return
    folder.mkdir(parents=True, exist_ok=True)
    with EmbeddedPostgres(folder) as server:
        url = server.start()
        migrate.upgrade(url)
        yield url


async def _measure(url: str, sizes: Sequence[int], of_each: int) -> Results:
    database = Database(url, pool_size=max(_CLIENTS))
    results: Results = {}
    try:
        for chunks in sizes:
            label = _label(chunks)
            loaded = await load(database, chunks=chunks)
            results |= {f"load_{name}_{label}": seconds for name, seconds in loaded.items()}
            asked = await _questions(of_each, documents=chunks // DOCUMENT_CHUNKS)
            found = await _of_size(database, asked)
            results |= {f"{name}_{label}": value for name, value in found.items()}
    finally:
        await database.close()
    return results


def _label(chunks: int) -> str:
    return f"{chunks // 1_000_000}m" if chunks >= 1_000_000 else f"{chunks // 1_000}k"


async def _questions(of_each: int, *, documents: int) -> list[_Question]:
    """The kinds take turns."""
    texts = questions(of_each, documents=documents)
    vectors = {
        kind: await WordllamaEmbedder().embed([parse(text).text for text in of_kind])
        for kind, of_kind in texts.items()
    }
    return [
        _Question(kind, of_kind[at], vectors[kind][at])
        for at in range(of_each)
        for kind, of_kind in texts.items()
    ]


async def _of_size(database: Database, asked: Sequence[_Question]) -> dict[str, float]:
    tenant = tenants()[0]
    act_for(tenant)
    modes = _modes(SearchStore(TenantDatabase(database), MODEL), tenant)
    results: dict[str, float] = {}
    for mode, ask in modes.items():
        prefix = "" if mode == "hybrid" else f"{mode}_"
        for clients in _CLIENTS:
            suffix = "" if clients == 1 else f"_{clients}_clients"
            times, seconds = await _time(ask, asked, clients)
            results |= {
                f"{prefix}p50_ms{suffix}": statistics.median(_all(times)),
                f"{prefix}p95_ms{suffix}": percentile(_all(times), 0.95),
                f"{prefix}qps{suffix}": len(asked) / seconds,
            }
            if clients == 1 and mode != "vector":
                results |= {
                    f"{prefix}{kind}_p95_ms": percentile(of_kind, 0.95)
                    for kind, of_kind in times.items()
                }
    sql = _PlainSql(database, tenant)
    times, seconds = await _time(sql.all_words, asked, 1)
    few = asked[: _ANY_OF_EACH_KIND * len(times)]
    any_times, any_seconds = await _time(sql.any_word, few, 1)
    return results | {
        "sql_p50_ms": statistics.median(_all(times)),
        "sql_p95_ms": percentile(_all(times), 0.95),
        "sql_qps": len(asked) / seconds,
        "ratio_vs_sql": results["qps"] * seconds / len(asked),
        "sql_any_word_p50_ms": statistics.median(_all(any_times)),
        "sql_any_word_p95_ms": percentile(_all(any_times), 0.95),
        "ratio_vs_sql_any_word": results["qps"] * any_seconds / len(few),
    }


def _modes(store: SearchStore, tenant: UUID) -> Mapping[str, _Ask]:
    def vector(one: _Question) -> Awaitable[object]:
        return store.search(one.vector, tenant, limit=_K)

    def lexical(one: _Question) -> Awaitable[object]:
        return store.search(None, tenant, limit=_K, words=parse(one.text))

    def hybrid(one: _Question) -> Awaitable[object]:
        return store.search(one.vector, tenant, limit=_K, words=parse(one.text))

    return {"hybrid": hybrid, "vector": vector, "lexical": lexical}


class _PlainSql:
    """Hybrid search as the examples of pgvector have it: two statements, and their ranks fused."""

    def __init__(self, database: Database, tenant: UUID) -> None:
        self._database = database
        self._tenant = tenant

    async def all_words(self, one: _Question) -> None:
        """By words: the chunks that hold every word."""
        await self._ask(one, " & ")

    async def any_word(self, one: _Question) -> None:
        """By words: the chunks that hold any of them."""
        await self._ask(one, " | ")

    async def _ask(self, one: _Question, operator: str) -> None:
        query = operator.join(f"({term.query})" for term in parse(one.text).terms)
        scores: dict[UUID, float] = defaultdict(float)
        for statement, value in ((_NEAREST, one.vector), (_WITH_WORDS, query)):
            for rank, row in enumerate(await self._rows(statement, value)):
                scores[row["chunk_id"]] += 1 / (_RRF + rank)
        sorted(scores, key=lambda chunk: -scores[chunk])[:_K]

    async def _rows(self, statement: str, value: object) -> list[asyncpg.Record]:
        try:
            async with self._database.transaction() as connection:
                await connection.execute(f"SET LOCAL statement_timeout = {_SQL_MS}")
                rows: list[asyncpg.Record] = await connection.fetch(statement, self._tenant, value)
                return rows
        except StoreUnavailable:  # it took too long
            return []


async def _time(
    ask: _Ask, asked: Sequence[_Question], clients: int
) -> tuple[dict[str, list[float]], float]:
    """Milliseconds by kind of question, and the seconds of all; each client asks its share.

    The first questions are asked once before, so that connections and plans are there.
    """
    for question in asked[: 2 * clients * 5]:
        await ask(question)
    times: dict[str, list[float]] = defaultdict(list)

    async def client(share: Sequence[_Question]) -> None:
        for question in share:
            began = time.perf_counter()
            await ask(question)
            times[question.kind].append(1000 * (time.perf_counter() - began))

    began = time.perf_counter()
    await asyncio.gather(*(client(asked[at::clients]) for at in range(clients)))
    return times, time.perf_counter() - began


def _all(times: Mapping[str, Sequence[float]]) -> list[float]:
    return [ms for of_kind in times.values() for ms in of_kind]


def main() -> None:
    """Run the benchmark as the arguments say."""
    parser = arguments(description=__doc__)
    parser.add_argument("--chunks", type=int, nargs="+", help="numbers of chunks, ascending")
    parser.add_argument("--folder", type=Path, help="keep the database there for the next run")
    chosen = parser.parse_args()
    sizes = chosen.chunks or (_QUICK_SIZES if chosen.quick else _SIZES)
    finish(measure(sizes, quick=chosen.quick, folder=chosen.folder), chosen)


if __name__ == "__main__":
    main()
