"""Questions that were asked, and what the index found of their answers."""

import statistics
import time
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import numpy as np
import structlog
from numpy.typing import NDArray

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.nearest import NearestChunks, Question
from ingest.adapters.postgres.search.tenant_memory import TenantMemory
from ingest.adapters.postgres.statements import load
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import StoreUnavailable
from ingest.domain.exact_search import EXACT_MS
from ingest.domain.search_recall import (
    EF_SEARCH,
    KEPT_FOR,
    KEPT_QUESTIONS,
    MEASURED_K,
    Case,
    Measurement,
    found,
)

log = structlog.get_logger(module=__name__)
SQL = load("search_recall")
SAMPLE_SECONDS = 3.0
"""Least time between two questions of a tenant that a process keeps."""
_ENOUGH = 10
"""Questions; with fewer, the mean says little."""
_MEASURED = 50
"""Questions of one measurement, the newest."""
_EXACT_MS = 10_000
"""Longest that one question of a measurement is compared with everything."""


class QuestionSampler:
    """Keeps some questions of tenants that need an index: the vector and the time."""

    def __init__(self, database: Database, model: EmbeddingModel) -> None:
        self._database = database
        self._model = model
        self._kept: TenantMemory[bool] = TenantMemory()

    async def offer(self, question: Question) -> None:
        """Keep a question, unless one of the tenant was kept lately."""
        if self._kept.get(question.tenant_id):
            return
        self._kept.put(question.tenant_id, True, seconds=SAMPLE_SECONDS)
        model = self._model
        try:
            async with self._database.transaction() as connection:
                await connection.execute(
                    SQL["keep_question"],
                    question.tenant_id,
                    model.name,
                    model.version,
                    model.dimension,
                    question.vector,
                )
        except (StoreUnavailable, asyncpg.PostgresError) as exc:  # the answer is there already
            log.warning("question not kept for measuring", reason=type(exc).__name__)


class RecallStore:
    """Measures search in the running system."""

    def __init__(self, database: Database, *, exact_ms: float = EXACT_MS) -> None:
        """Measure where exact search would take longer than ``exact_ms``."""
        self._database = database
        self._exact_ms = exact_ms

    async def due(self, *, every: timedelta, limit: int) -> list[Case]:
        """Tenants with enough questions that were not measured for so long."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["due_measurements"], _ENOUGH, every, limit)
        return [
            Case(
                row["tenant_id"],
                EmbeddingModel(row["embed_model"], row["embed_version"], row["dimension"]),
            )
            for row in rows
        ]

    async def begin(self, case: Case) -> "RecallTrial | None":
        """Ask the newest questions exactly; None where search needs no index, or there is none.

        What was kept of a tenant that needs no index is removed.
        """
        names = (case.tenant_id, case.model.name, case.model.version)
        nearest = NearestChunks(case.model, exact_ms=self._exact_ms, again_ms=_EXACT_MS)
        async with self._database.transaction() as connection:
            rows = await connection.fetch(SQL["newest_questions"], *names, _MEASURED)
            asked = [row["embedding"].to_numpy() for row in rows]
            if not asked:
                return None
            question = Question(asked[0], case.tenant_id, MEASURED_K)
            if await nearest.is_small(connection, question):
                await connection.execute(SQL["forget_questions"], *names)
                await connection.execute(SQL["forget_measurement"], *names)
                return None
            if not await nearest.needs_index(connection, question):
                return None
        trial = RecallTrial(self._database, nearest, case)
        await trial.ask(asked)
        return trial

    async def save(self, case: Case, measurement: Measurement) -> None:
        """Search the tenant as the measurement says from now on."""
        names = (case.model.name, case.model.version)
        async with self._database.transaction() as connection:
            await connection.execute(
                SQL["save_measurement"],
                case.tenant_id,
                *names,
                measurement.recall,
                measurement.questions,
                measurement.ef_search,
                measurement.is_exact,
                measurement.exact_ms,
            )
            await connection.execute(SQL["follow_measurements"], *names, EF_SEARCH)

    async def prune(self) -> int:
        """Remove old questions, and those over the number that is kept; returns how many."""
        async with self._database.connection() as connection:
            return len(await connection.fetch(SQL["prune_questions"], KEPT_QUESTIONS, KEPT_FOR))


class RecallTrial:
    """A tenant's questions with their exact answers; each question is a transaction of its own."""

    def __init__(self, database: Database, nearest: NearestChunks, case: Case) -> None:
        self._database = database
        self._nearest = nearest
        self._case = case
        self._exact: list[tuple[Question, list[float]]] = []
        self._times: list[float] = []

    async def ask(self, asked: Sequence[NDArray[np.float32]]) -> None:
        """Compare each question with everything; those that take too long are left out."""
        for vector in asked:
            question = Question(vector, self._case.tenant_id, MEASURED_K)
            began = time.monotonic()
            async with self._database.transaction() as connection:
                rows = await self._nearest.exactly(connection, question)
            self._times.append(1000 * (time.monotonic() - began))
            if rows:
                self._exact.append((question, [row["score"] for row in rows]))

    @property
    def questions(self) -> int:
        """How many have an exact answer."""
        return len(self._exact)

    async def measure(self, ef_search: int) -> Measurement:
        """What the index finds with this many candidates; at least one question has an answer."""
        shares = []
        for question, exact in self._exact:
            async with self._database.transaction() as connection:
                rows = await self._nearest.by_index(connection, question, ef_search=ef_search)
            shares.append(found([row["score"] for row in rows], exact))
        return Measurement(
            recall=statistics.mean(shares),
            questions=len(shares),
            ef_search=ef_search,
            exact_ms=statistics.median(self._times),
        )
