"""Reading published chunks: by position, by nearness to a vector, and by words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.search.lexical_search import (
    NO_WORDS,
    LexicalMatch,
    LexicalSearch,
    SearchScope,
)
from ingest.adapters.postgres.search.lexical_search import SQL as LEXICAL
from ingest.adapters.postgres.search.nearest import Nearest, NearestChunks, Question
from ingest.adapters.postgres.search.recall_store import QuestionSampler
from ingest.adapters.postgres.statements import load
from ingest.adapters.text_analysis.languages import mostly_latin
from ingest.adapters.text_analysis.query import LexicalQuery
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.exact_search import EXACT_MS
from ingest.domain.job import Degraded
from ingest.domain.local_models import local_model_of
from ingest.domain.rank_fusion import LEXICAL_SHARE, fuse

SQL = load("document_chunks")
_DEPTH = 100
"""Candidates of each ranking that are fused."""
_SPARE = 20
"""Hits beyond those that are wanted, to take the place of texts that come again."""


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
    context: str | None
    """What stands before the text when it is embedded; None of rows of older splitters."""
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
    context: str | None
    text: str
    filename: str
    degraded: tuple[Degraded, ...]
    """What of the document was made here because its provider was away."""
    score: float
    """What the hits are ordered by; see ``SearchStore``."""
    similarity: float | None = None
    """Cosine similarity, -1 to 1; None in a lexical search."""
    lexical_score: float = 0.0
    """BM25, from 0; 0 of a chunk that holds no word of the query."""
    is_exact: bool = False
    """Whether the chunk holds the query as it is written, or an identifier of it."""
    also_in: tuple[UUID, ...] = ()
    """Other documents with the same text, which would be hits as well."""


class SearchStore:
    """Published rows of ``document_chunks``, of one tenant at a time."""

    def __init__(
        self, database: Database, model: EmbeddingModel, *, exact_ms: float = EXACT_MS
    ) -> None:
        """Open the store; search is exact where it takes at most about ``exact_ms``."""
        self._database = database
        self._model = model
        local = local_model_of(model)
        self._latin_only = local is not None and local.latin_only
        self._nearest = NearestChunks(model, exact_ms=exact_ms)
        self._lexical = LexicalSearch(model)
        self._sampler = QuestionSampler(database, model)

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
        vector: NDArray[np.float32] | None,
        tenant_id: UUID,
        *,
        limit: int,
        document_ids: Sequence[UUID] | None = None,
        words: LexicalQuery | None = None,
    ) -> list[Hit]:
        """The best published chunks of one tenant in this model's vector space.

        With a vector alone, the score is the cosine similarity. With words alone, it is BM25 as a
        share of the best one. With both, it is their sum as ``rank_fusion`` says. With words, hits
        that hold the query as it is written, or all words of a short query where none does, have
        scores from 0.5 to 1, all others scores up to 0.5.

        Args:
            vector: float32[dimension], embedded with the same model.
            tenant_id: The tenant.
            limit: Most results, 1 to 100.
            document_ids: Only these documents.
            words: The query for the lexical ranking.
        """
        depth = max(limit, _DEPTH) if words else limit + _SPARE
        scope = SearchScope(tenant_id, depth, document_ids)
        question = None
        if vector is not None:
            question = Question(vector, tenant_id, depth, document_ids, shown=limit)
        found = None
        async with self._database.transaction() as connection:
            await connection.fetch(SQL["set_up_search"], tenant_id)
            if question is None:
                matches = await self._lexical.find(connection, words or NO_WORDS, scope)
            else:
                found, matches = await self._match_both(connection, question, words, scope)
            scores = self._scores(matches, words)
            ranked = list(scores)[: limit + _SPARE]
            rows = await connection.fetch(
                LEXICAL["hits"], ranked, tenant_id, self._model.name, self._model.version
            )
        if question is not None and found is not None and found.is_sample:
            await self._sampler.offer(question)
        return _hits(ranked, scores, {m.chunk_id: m for m in matches}, rows, limit)

    async def _match_both(
        self,
        connection: Connection,
        question: Question,
        words: LexicalQuery | None,
        scope: SearchScope,
    ) -> tuple[Nearest, list[LexicalMatch]]:
        """The nearest chunks; and, with both measures, they and the best by words."""
        found = await self._nearest.find(connection, question)
        if words is None:
            return found, [
                LexicalMatch(row["chunk_id"], 0.0, exactness=0, similarity=row["score"])
                for row in found.rows
            ]
        while True:
            matches = await self._lexical.find(
                connection,
                words,
                scope,
                also=[row["chunk_id"] for row in found.rows],
                vector=question.vector,
            )
            known = {m.chunk_id: m.similarity for m in matches if m.similarity is not None}
            confirmed = await self._nearest.confirm(connection, question, found, known)
            if confirmed is found or list(confirmed.rows) == list(found.rows):
                return found, matches
            found = confirmed  # the index had missed some

    def _scores(
        self, matches: Sequence[LexicalMatch], words: LexicalQuery | None
    ) -> dict[UUID, float]:
        similarities = {m.chunk_id: m.similarity for m in matches if m.similarity is not None}
        if words is None:
            return similarities
        unknown = self._latin_only and not mostly_latin(words.text)
        return fuse(
            similarities,
            {m.chunk_id: m.score for m in matches},
            _exact(matches),
            lexical_share=1.0 if unknown else LEXICAL_SHARE,
        )


def _exact(matches: Sequence[LexicalMatch]) -> set[UUID]:
    """Those that hold the query as it is written.

    Where none does: in other forms of its words; where none does either: all its words.
    """
    best = max((match.exactness for match in matches), default=0)
    return {match.chunk_id for match in matches if match.exactness == best > 0}


def _hits(
    ranked: Sequence[UUID],
    scores: Mapping[UUID, float],
    matches: Mapping[UUID, LexicalMatch],
    rows: Sequence[asyncpg.Record],
    limit: int,
) -> list[Hit]:
    """The first hits with different texts; a text that comes again is named with its first hit."""
    by_id = {row["chunk_id"]: row for row in rows}
    exact = _exact(list(matches.values()))
    by_text: dict[str, Hit] = {}
    for chunk_id in ranked:
        row = by_id.get(chunk_id)
        if row is None:
            continue  # its document was deleted meanwhile
        first = by_text.get(row["text"])
        if first is not None:
            also_in = dict.fromkeys((*first.also_in, row["document_id"]))
            also_in.pop(first.document_id, None)
            by_text[row["text"]] = replace(first, also_in=tuple(also_in))
        elif len(by_text) < limit:
            by_text[row["text"]] = _hit(
                row,
                scores[chunk_id],
                matches[chunk_id],
                is_exact=chunk_id in exact and matches[chunk_id].exactness > 1,
            )
    return list(by_text.values())


def _hit(row: asyncpg.Record, score: float, match: LexicalMatch, *, is_exact: bool) -> Hit:
    fields = dict(row)
    return Hit(
        heading_path=tuple(fields.pop("heading_path")),
        degraded=tuple(map(Degraded, fields.pop("degraded"))),
        score=score,
        similarity=match.similarity,
        lexical_score=match.score,
        is_exact=is_exact,
        **fields,
    )
