"""The published chunks that are nearest to a vector: by exact search where that is fast enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import structlog
from numpy.typing import NDArray

from ingest.adapters.postgres.pool import Connection
from ingest.adapters.postgres.search.index_store import unknown_space
from ingest.adapters.postgres.search.tenant_memory import TenantMemory
from ingest.adapters.postgres.statements import load
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.exact_search import EXACT_MS, expected_ms, most_documents
from ingest.domain.index_kind import IndexKind
from ingest.domain.search_recall import EF_STEPS, EXACT_INSTEAD_MS

log = structlog.get_logger(module=__name__)
SQL = load("nearest")
OVERFETCH = 20
"""Candidates by sign bits for each result wanted, before the exact re-rank."""
MAX_SCAN_TUPLES = 4_000
"""Rows of an index that are looked at for a tenant or a filter. Where this many hold too few of
them, exact search is faster than to go on."""
MOST_SCAN_TUPLES = 20_000
"""The same where exact search took too long."""
AGAIN_MS = 1_000
"""Longest that an answer is asked for again, exactly."""
SAME = 1e-3
"""Two cosines that differ by less count as one: an index of half precision cannot tell."""
_SMALL_SECONDS, _LARGE_SECONDS = 30.0, 600.0
"""How long it is believed that a tenant can be searched exactly, or cannot. A tenant that grows
meanwhile waits longer for its answers, and gets the right ones."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for."""

    vector: NDArray[np.float32]
    """float32[dimension], embedded with the model of the space."""
    tenant_id: UUID
    limit: int
    """Most chunks."""
    document_ids: Sequence[UUID] | None = None
    """Only these documents; None: all of the tenant's."""
    shown: int | None = None
    """How many of the chunks a person sees; None: all of ``limit``."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """An answer."""

    rows: Sequence[asyncpg.Record]
    """``chunk_id`` and ``score``, the cosine; the nearest first."""
    is_exact: bool
    """Whether nothing can be missing."""
    is_sample: bool
    """Whether such a question tells how well the index does that this tenant needs."""


class NearestChunks:
    """Of one vector space. Remembers which tenants are small; use one object for a process."""

    def __init__(
        self, model: EmbeddingModel, *, exact_ms: float = EXACT_MS, again_ms: int = AGAIN_MS
    ) -> None:
        """Search in the space of this model.

        Args:
            model: Whose vectors.
            exact_ms: Compare with every vector if that takes at most about this many ms, and for
                tenants whose recall was not measured yet, if it takes at most ``EXACT_INSTEAD_MS``.
                0: use the index wherever there is one.
            again_ms: Longest that an incomplete answer is asked for again.
        """
        self._model = model
        self._exact_ms = exact_ms
        self._again_ms = again_ms
        self._unmeasured_ms = EXACT_INSTEAD_MS if exact_ms else 0.0
        self._expected: TenantMemory[float] = TenantMemory()
        self._too_large: TenantMemory[bool] = TenantMemory()

    async def find(self, connection: Connection, question: Question) -> Nearest:
        """Find the nearest chunks, in a transaction.

        Exactly where that is fast enough, and where there is no index. Exactly, but for a bounded
        time, where the index was measured and misses too much, or was not measured yet. Otherwise
        by the index; an answer with fewer chunks than wanted is asked for again exactly.

        Raises:
            ConfigurationError: the database does not know the model.
        """
        how = await self._how(connection, question.tenant_id)
        expected = await self._expected_ms(connection, question) if how["has_index"] else 0.0
        if not how["has_index"] or expected <= self._exact_ms:
            rows = await self._exactly(connection, question)
            return Nearest(rows, is_exact=True, is_sample=False)
        if how["is_exact"] or (not how["is_measured"] and expected <= self._unmeasured_ms):
            return await self._again(connection, question, ())
        found = await self._by_index(connection, question, how["index_kind"], how["ef_search"])
        if len(found) >= question.limit:
            return Nearest(found, is_exact=False, is_sample=True)
        return await self._again(connection, question, found)

    async def confirm(
        self,
        connection: Connection,
        question: Question,
        found: Nearest,
        known: Mapping[UUID, float],
    ) -> Nearest:
        """Ask again exactly if a chunk that is known is missing, though it belongs to those shown.

        A missing chunk that would not be shown is no reason: it is known, so it is ranked anyway.

        Args:
            connection: In the transaction of ``find``.
            question: What was asked.
            found: The answer.
            known: Chunks that match the question's tenant and documents, and their exact cosines.
        """
        if found.is_exact:
            return found
        there = {row["chunk_id"] for row in found.rows}
        shown = sorted((row["score"] for row in found.rows), reverse=True)[: question.shown]
        last = min(shown, default=-1.0)
        if all(score <= last + SAME or chunk in there for chunk, score in known.items()):
            return found
        return await self._again(connection, question, found.rows)

    async def needs_index(self, connection: Connection, question: Question) -> bool:
        """Whether exact search would be too slow, and there is an index."""
        how = await self._how(connection, question.tenant_id)
        return bool(how["has_index"]) and not await self.is_small(connection, question)

    async def by_index(
        self, connection: Connection, question: Question, *, ef_search: int
    ) -> Sequence[asyncpg.Record]:
        """What the index alone finds with this many candidates; for measuring it."""
        how = await self._how(connection, question.tenant_id)
        return await self._by_index(connection, question, how["index_kind"], ef_search)

    async def exactly(
        self, connection: Connection, question: Question
    ) -> Sequence[asyncpg.Record] | None:
        """What is nearest, whatever the index says; None if that takes longer than ``again_ms``."""
        return await self._in_time(connection, question)

    async def _how(self, connection: Connection, tenant_id: UUID) -> asyncpg.Record:
        model = self._model
        row = await connection.fetchrow(SQL["how_to_search"], model.name, model.version, tenant_id)
        if row is None or row["dimension"] != model.dimension:
            raise unknown_space(model, row)
        return row

    async def is_small(self, connection: Connection, question: Question) -> bool:
        """Whether comparing with everything that the question may find is fast enough."""
        return await self._expected_ms(connection, question) <= self._exact_ms

    async def _expected_ms(self, connection: Connection, question: Question) -> float:
        """About how long exact search takes; of what takes very long, that it does."""
        narrowed = question.document_ids is not None
        remembered = self._expected.get(question.tenant_id)
        if remembered is not None and (not narrowed or remembered <= self._exact_ms):
            return remembered  # a part of what is small is small, too
        most = most_documents(max(self._exact_ms, self._unmeasured_ms))
        parameters = [question.tenant_id, self._model.name, self._model.version, most]
        if question.document_ids is not None:
            parameters.append(list(question.document_ids))
        statement = SQL["count_of_documents"] if narrowed else SQL["count_of_tenant"]
        count = await connection.fetchrow(statement, *parameters)
        expected = expected_ms(
            documents=count["documents"], vectors=count["chunks"], dimension=self._model.dimension
        )
        if not narrowed:
            small = expected <= self._exact_ms
            seconds = _SMALL_SECONDS if small else _LARGE_SECONDS
            self._expected.put(question.tenant_id, expected, seconds=seconds)
        return expected

    async def _exactly(self, connection: Connection, question: Question) -> list[asyncpg.Record]:
        parameters = self._parameters(question)
        if question.document_ids is None:
            return list(await connection.fetch(SQL["search_exactly"], *parameters[:5]))
        return list(await connection.fetch(SQL["search_documents_exactly"], *parameters))

    async def _by_index(
        self,
        connection: Connection,
        question: Question,
        kind: str,
        ef_search: int,
        *,
        scanned: int = MAX_SCAN_TUPLES,
    ) -> list[asyncpg.Record]:
        # An index gives at most as many as it keeps before it has to go on.
        candidates = max(ef_search, question.limit)
        await connection.fetch(SQL["set_up_index_search"], str(candidates), str(scanned))
        parameters = self._parameters(question)
        if IndexKind(kind) is IndexKind.BIT:
            parameters.append(question.limit * OVERFETCH)
        statement = search_statement(IndexKind(kind), self._model.dimension)
        rows = await connection.fetch(statement, *parameters)
        return sorted(rows, key=lambda row: -row["score"])

    async def _again(
        self, connection: Connection, question: Question, found: Sequence[asyncpg.Record]
    ) -> Nearest:
        """Ask exactly, in bounded time; if that is not enough, as the index can at best."""
        if not self._too_large.get(question.tenant_id):
            rows = await self._in_time(connection, question)
            if rows is not None:
                return Nearest(rows, is_exact=True, is_sample=True)
            self._too_large.put(question.tenant_id, True, seconds=_LARGE_SECONDS)
            log.warning("exact search took too long", tenant_id=question.tenant_id)
        how = await self._how(connection, question.tenant_id)
        best = await self._by_index(
            connection, question, how["index_kind"], EF_STEPS[-1], scanned=MOST_SCAN_TUPLES
        )
        return Nearest(max(found, best, key=_quality), is_exact=False, is_sample=True)

    async def _in_time(
        self, connection: Connection, question: Question
    ) -> list[asyncpg.Record] | None:
        attempt = connection.transaction()
        await attempt.start()
        try:
            await connection.fetch(SQL["set_time_limit"], str(self._again_ms))
            return await self._exactly(connection, question)
        except asyncpg.QueryCanceledError:
            return None
        finally:
            await attempt.rollback()  # the time limit goes with it

    def _parameters(self, question: Question) -> list[Any]:
        return [
            question.vector,
            question.tenant_id,
            self._model.name,
            self._model.version,
            question.limit,
            None if question.document_ids is None else list(question.document_ids),
        ]


def search_statement(kind: IndexKind, dimension: int) -> str:
    """The search of an index kind; a type's length cannot be a parameter, so it is written in."""
    return SQL[f"search_{kind}"].format(dimension=int(dimension))


def _quality(rows: Sequence[asyncpg.Record]) -> tuple[int, float]:
    return len(rows), sum(row["score"] for row in rows)
