"""Index kinds on a sample of the vectors that are there: recall, speed, size, time to build."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.search.index_store import BUILD_SECONDS
from ingest.adapters.postgres.search.nearest import MAX_SCAN_TUPLES, OVERFETCH
from ingest.adapters.postgres.statements import load
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.held_out import sentence_of
from ingest.domain.index_kind import EF_CONSTRUCTION, IndexKind
from ingest.domain.search_recall import EF_STEPS, RECALL_TARGET, found

SQL = load("index_trials")
NEAREST_SQL = load("nearest")
QUESTIONS_SQL = load("search_recall")
_MORE = 1.5
"""Pages are taken by chance; so much more than needed makes enough of them likely."""

Embed: TypeAlias = Callable[[list[str]], Awaitable[Vectors]]


@dataclass(frozen=True, slots=True)
class Trial:
    """What one kind came to."""

    kind: IndexKind
    ef_search: int
    """Candidates of a search: the fewest with which enough is found, or the most there can be."""
    recall: float
    """Of the nearest ``k`` by exact search, the share that the index finds; the mean."""
    worst_tenant: float
    """The same, for the tenant of which it finds least."""
    search_ms: float
    """Median."""
    build_seconds: float
    bytes_per_vector: float


@dataclass(frozen=True, slots=True)
class Trials:
    """What all kinds came to on the same sample."""

    vectors: int
    """In the sample."""
    tenants: int
    """Who are asked about."""
    asked: int
    """Questions that were asked in the running system."""
    sentences: int
    """Questions made of texts that are not in the sample."""
    stored: int
    """Vectors of such texts as they are stored: they find more than people's questions do."""
    exact_ms: float
    """Median of a search without an index."""
    kinds: Sequence[Trial]

    @property
    def questions(self) -> int:
        """Searches of each kind."""
        return self.asked + self.sentences + self.stored


@dataclass(slots=True)
class _SampleQuestion:
    tenant_id: UUID
    vector: NDArray[np.float32]
    exact: list[float] = field(default_factory=list)
    """Cosines of the nearest."""


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
        recall: float = RECALL_TARGET,
        embed: Embed | None = None,
    ) -> Trials:
        """Build each kind on a sample, and ask it questions of each tenant.

        Half of the questions are those that were asked in the running system, as far as some were
        kept; the rest are sentences of texts that are left out of the sample.

        Args:
            model: Whose vectors.
            vectors: Most in the sample.
            questions: Searches of each kind.
            k: Results of each.
            ef_construction: How carefully each kind is built.
            recall: Each kind is searched more and more carefully until it finds this share.
            embed: Embeds sentences with this model; without it, vectors are asked as stored.
        """
        async with self._database.transaction() as connection:
            kept = await connection.fetch(
                QUESTIONS_SQL["sampled_questions"], model.name, model.version, questions // 2
            )
            asked = [_SampleQuestion(row["tenant_id"], row["embedding"].to_numpy()) for row in kept]
            held_out = await self._sample(
                connection, model, vectors, questions - len(asked), embed=embed
            )
            count = await connection.fetchval(SQL["count_sample"])
            everything, exact_ms = await _ask_exactly(connection, [*asked, *held_out], k)
            kinds = [
                await _try(connection, model, kind, everything, count, k, ef_construction, recall)
                for kind in IndexKind
                if count and everything
            ]
        return Trials(
            vectors=count,
            tenants=len({question.tenant_id for question in everything}),
            asked=len(asked),
            sentences=len(held_out) if embed else 0,
            stored=0 if embed else len(held_out),
            exact_ms=exact_ms,
            kinds=kinds,
        )

    async def _sample(
        self,
        connection: Connection,
        model: EmbeddingModel,
        vectors: int,
        questions: int,
        *,
        embed: Embed | None,
    ) -> list[_SampleQuestion]:
        await connection.execute(SQL["create_sample"].format(dimension=model.dimension))
        known = await connection.fetchval(SQL["count_vectors"])
        wanted = vectors + questions
        share = min(100.0, 100 * _MORE * wanted / known) if known else 100.0
        await connection.execute(SQL["fill_sample"], model.name, model.version, share, wanted)
        rows = await connection.fetch(SQL["hold_out"], questions, model.name, model.version)
        await connection.execute("ANALYZE index_sample")
        if embed is None or not rows:
            return [_SampleQuestion(row["tenant_id"], row["embedding"].to_numpy()) for row in rows]
        made = await embed([sentence_of(row["text"]) for row in rows])
        return [_SampleQuestion(row["tenant_id"], made[at]) for at, row in enumerate(rows)]


async def _ask_exactly(
    connection: Connection, questions: Sequence[_SampleQuestion], k: int
) -> tuple[list[_SampleQuestion], float]:
    """The questions that have an answer in the sample, and the median time of a search."""
    prepared = await connection.prepare(SQL["search_exactly"])
    times = []
    for question in questions:
        began = time.monotonic()
        rows = await prepared.fetch(question.vector, question.tenant_id, k)
        times.append(1000 * (time.monotonic() - began))
        question.exact = [row["score"] for row in rows]
    answered = [question for question in questions if question.exact]
    return answered, statistics.median(times) if times else 0.0


async def _try(
    connection: Connection,
    model: EmbeddingModel,
    kind: IndexKind,
    questions: Sequence[_SampleQuestion],
    vectors: int,
    k: int,
    ef_construction: int,
    recall: float,
) -> Trial:
    began = time.monotonic()
    await connection.execute(
        SQL[f"create_{kind}_index"].format(
            dimension=model.dimension, ef_construction=ef_construction
        ),
        timeout=BUILD_SECONDS,
    )
    built = time.monotonic() - began
    await connection.execute("SET LOCAL enable_seqscan = off")  # a sample is small
    size = await connection.fetchval(SQL["size_index"], kind)
    statement = SQL[f"search_{kind}"].format(dimension=model.dimension)
    for ef_search in EF_STEPS:
        by_tenant, search_ms = await _search(
            connection, statement, questions, k, ef_search, *_more(kind, k)
        )
        mean = statistics.mean(share for shares in by_tenant.values() for share in shares)
        if mean >= recall:
            break
    await connection.execute("SET LOCAL enable_seqscan = on")
    await connection.execute(SQL["drop_index"].format(kind=kind))
    worst = min(statistics.mean(shares) for shares in by_tenant.values())
    return Trial(kind, ef_search, mean, worst, search_ms, built, size / vectors)


def _more(kind: IndexKind, k: int) -> list[int]:
    return [k * OVERFETCH] if kind is IndexKind.BIT else []


async def _search(
    connection: Connection,
    statement: str,
    questions: Sequence[_SampleQuestion],
    k: int,
    ef_search: int,
    *more: Any,
) -> tuple[dict[UUID, list[float]], float]:
    """The share that was found of each tenant's answers, and the median time in milliseconds."""
    await connection.fetch(NEAREST_SQL["set_up_index_search"], str(ef_search), str(MAX_SCAN_TUPLES))
    prepared = await connection.prepare(statement)
    shares: dict[UUID, list[float]] = {}
    times = []
    for question in questions:
        began = time.monotonic()
        rows = await prepared.fetch(question.vector, question.tenant_id, k, *more)
        times.append(1000 * (time.monotonic() - began))
        share = found([row["score"] for row in rows], question.exact)
        shares.setdefault(question.tenant_id, []).append(share)
    return shares, statistics.median(times)
