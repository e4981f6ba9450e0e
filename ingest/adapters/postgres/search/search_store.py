"""Reading published chunks: by position, and by nearness to a vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import model_row
from ingest.adapters.postgres.statements import load
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.index_kind import IndexKind
from ingest.domain.job import Degraded
from ingest.domain.rank_fusion import fuse

SQL = load("document_chunks")
EF_SEARCH = 100
"""Candidates HNSW keeps while it walks; pgvector's default of 40 is under the largest k."""
OVERFETCH = 20
"""Candidates by sign bits for each result wanted, before the exact re-rank."""


@dataclass(frozen=True, slots=True)
class ChunkView:
    """A published chunk as its owner reads it."""

    chunk_id: UUID
    chunk_ord: int
    char_start: int
    char_end: int
    page: int | None
    heading_path: tuple[str, ...]
    token_count: int
    text: str
    embed_model: str
    embed_version: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result."""

    chunk_id: UUID
    document_id: UUID
    chunk_ord: int
    char_start: int
    char_end: int
    page: int | None
    heading_path: tuple[str, ...]
    text: str
    filename: str
    degraded: tuple[Degraded, ...]
    """What of the document was made here because its provider was away."""
    score: float
    """Cosine similarity, -1 to 1."""


class SearchStore:
    """Published rows of ``document_chunks``, of one tenant at a time."""

    def __init__(self, database: Database, model: EmbeddingModel) -> None:
        self._database = database
        self._model = model

    async def list_chunks(
        self, document_id: UUID, tenant_id: UUID, *, from_ord: int = 0, limit: int = 100
    ) -> list[ChunkView]:
        """Chunks of a document's published generation, in order."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL["list_chunks"], document_id, tenant_id, from_ord, limit
            )
        return [ChunkView(**{**row, "heading_path": tuple(row["heading_path"])}) for row in rows]

    async def search(
        self,
        vector: NDArray[np.float32],
        tenant_id: UUID,
        *,
        limit: int,
        document_ids: Sequence[UUID] | None = None,
        words: str | None = None,
    ) -> list[Hit]:
        """The best published chunks of one tenant in this model's vector space.

        Without ``words`` these are the nearest ones. With them, the chunks that hold every word
        are a second ranking, and the two are fused; so names and numbers, which an embedding
        blurs, are found where they are written.

        Args:
            vector: float32[dimension], embedded with the same model.
            tenant_id: The tenant.
            limit: Most results, 1 to 100.
            document_ids: Only these documents.
            words: Text whose words count as they are written.
        """
        async with self._database.transaction() as connection:
            row = await model_row(connection, self._model)
            await connection.fetch(SQL["set_up_search"], str(EF_SEARCH), tenant_id)
            parameters = [
                vector,
                tenant_id,
                self._model.name,
                self._model.version,
                limit,
                list(document_ids) if document_ids is not None else None,
            ]
            kind = IndexKind(row["index_kind"])
            if kind is IndexKind.BIT:
                parameters.append(limit * OVERFETCH)
            nearest = await connection.fetch(
                search_statement(kind, self._model.dimension), *parameters
            )
            matching = []
            if words is not None:
                matching = await connection.fetch(SQL["search_words"], *parameters[:6], words)
        rows = {row["chunk_id"]: row for row in (*nearest, *matching)}
        ranked = fuse([row["chunk_id"] for row in nearest], [row["chunk_id"] for row in matching])
        return [_hit(rows[chunk_id]) for chunk_id in ranked[:limit]]


def _hit(row: asyncpg.Record) -> Hit:
    fields = dict(row)
    return Hit(
        heading_path=tuple(fields.pop("heading_path")),
        degraded=tuple(map(Degraded, fields.pop("degraded"))),
        **fields,
    )


def search_statement(kind: IndexKind, dimension: int) -> str:
    """The search of an index kind; a type's length cannot be a parameter, so it is written in."""
    return SQL[f"search_{kind}"].format(dimension=int(dimension))
