"""Index kinds on a sample of the vectors that are there: recall, speed, size, time to build."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.search.index_store import BUILD_SECONDS
from ingest.adapters.postgres.search.search_store import EF_SEARCH, OVERFETCH
from ingest.adapters.postgres.statements import load
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.index_kind import EF_CONSTRUCTION, IndexKind

SQL = load("index_trials")
SEARCH_SQL = load("document_chunks")
_MORE = 1.5
"""Pages are taken by chance; so much more than needed makes enough of them likely."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one kind came to."""

    kind: IndexKind
    recall: float
    """Of the nearest ``k`` by exact search, the share that the index finds; the mean."""
    search_ms: float
    """Median."""
    build_seconds: float
    bytes_per_vector: float


@dataclass(frozen=True, slots=True)
class Trials:
    """What all kinds came to on the same sample."""

    vectors: int
    """In the sample."""
    questions: int
    exact_ms: float
    """Median of a search without an index."""
    kinds: Sequence[Trial]


class IndexTrial:
    """Measures, and changes nothing: the sample is a temporary table of one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(
        self,
        model: EmbeddingModel,
        *,
        vectors: int,
        questions: int,
        k: int,
        ef_construction: int = EF_CONSTRUCTION,
    ) -> Trials:
        """Build each kind on a sample and search it for vectors that are not in it.

        Args:
            model: Whose vectors.
            vectors: Most in the sample.
            questions: Searches of each kind.
            k: Results of each.
            ef_construction: How carefully each kind is built.
        """
        async with self._database.transaction() as connection:
            asked = await self._sample(connection, model, vectors, questions)
            count = await connection.fetchval(SQL["count_sample"])
            exact, exact_ms = await _search(connection, SQL["search_exactly"], asked, k)
            await connection.fetch(SEARCH_SQL["set_up_search"], str(EF_SEARCH), None)
            kinds = [
                await _try(connection, model, kind, asked, exact, count, ef_construction)
                for kind in IndexKind
                if count
            ]
        return Trials(count, len(asked), exact_ms, kinds)

    async def _sample(
        self, connection: Connection, model: EmbeddingModel, vectors: int, questions: int
    ) -> list[Any]:
        await connection.execute(SQL["create_sample"].format(dimension=model.dimension))
        known = await connection.fetchval(SQL["count_vectors"])
        wanted = vectors + questions
        share = min(100.0, 100 * _MORE * wanted / known) if known else 100.0
        await connection.execute(SQL["fill_sample"], model.name, model.version, share, wanted)
        rows = await connection.fetch(SQL["take_questions"], questions)
        await connection.execute("ANALYZE index_sample")
        return [row["embedding"].to_numpy() for row in rows]


async def _try(
    connection: Connection,
    model: EmbeddingModel,
    kind: IndexKind,
    asked: Sequence[Any],
    exact: Sequence[set[Any]],
    vectors: int,
    ef_construction: int,
) -> Trial:
    k = max(map(len, exact), default=0)
    began = time.monotonic()
    await connection.execute(
        SQL[f"create_{kind}_index"].format(
            dimension=model.dimension, ef_construction=ef_construction
        ),
        timeout=BUILD_SECONDS,
    )
    built = time.monotonic() - began
    await connection.execute("SET LOCAL enable_seqscan = off")  # a sample is small
    more = [k * OVERFETCH] if kind is IndexKind.BIT else []
    statement = SQL[f"search_{kind}"].format(dimension=model.dimension)
    found, search_ms = await _search(connection, statement, asked, k, *more)
    size = await connection.fetchval(SQL["size_index"], kind)
    await connection.execute("SET LOCAL enable_seqscan = on")
    await connection.execute(SQL["drop_index"].format(kind=kind))
    recall = statistics.mean(
        len(got & right) / len(right) for got, right in zip(found, exact, strict=True) if right
    )
    return Trial(kind, recall, search_ms, built, size / vectors)


async def _search(
    connection: Connection, statement: str, asked: Sequence[Any], k: int, *more: int
) -> tuple[list[set[Any]], float]:
    """What was found for each, and the median time of a search in milliseconds."""
    prepared = await connection.prepare(statement)
    found, times = [], []
    for vector in asked:
        began = time.monotonic()
        rows = await prepared.fetch(vector, k, *more)
        times.append(1000 * (time.monotonic() - began))
        found.append({row["chunk_id"] for row in rows})
    return found, statistics.median(times) if times else 0.0
