"""Lexical search: chunks by the terms of a query, ranked by BM25."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ingest.adapters.postgres.pool import Connection
from ingest.adapters.postgres.statements import load
from ingest.adapters.text_analysis.query import LexicalQuery, QueryTerm, parse
from ingest.domain.embedding import EmbeddingModel

SQL = load("lexical_search")
MOST_COUNTED = 2_000
"""Chunks up to which a term is counted when it is asked for; the terms of more chunks are common,
and their share of the chunks is known from a sample."""
MOST_CANDIDATES = 1_000
"""Chunks that are scored for one query. 500 of them give the same results on the public collections
of benchmarks.retrieval as all chunks."""
MOST_TERMS_QUOTED = 8
"""Terms of a query with a phrase in quotes that is wanted first. In a longer question, what stands
in quotes is a name among others."""
MOST_TERMS_TOGETHER = 4
"""Terms of a query that are wanted together. Who asks with more words names them as examples: on
the public collections, chunks that hold more of them are not better."""
MOST_OF_IDENTIFIER = 10
"""Chunks up to which an identifier names something, so that they are exact matches."""
_INDEXED_OF_READ = 30
"""Rows that the index of terms collects in the time in which one is read from the table: about 15
microseconds."""
_COUNTED_DOCUMENTS = 2_000
"""Documents whose chunks are added up where there is no sample yet."""
_TIMES_EXPONENT = 0.8
"""How much more a word counts that is said n times in the query: n to this power."""


@dataclass(frozen=True, slots=True)
class LexicalMatch:
    """A chunk and how well it matches."""

    chunk_id: UUID
    score: float
    """BM25 with the tenant's own statistics; 0 of a chunk without any of the words."""
    exactness: int
    """3: it holds the query as it is written, or a rare identifier of it; 2: the same words in
    other forms, side by side; 1: every word of a short query; 0: none of these."""
    similarity: float | None
    """Cosine similarity to the vector, if one was given."""


@dataclass(frozen=True, slots=True)
class SearchScope:
    """Where is searched, and how far."""

    tenant_id: UUID
    limit: int
    """Most chunks."""
    document_ids: Sequence[UUID] | None = None
    """Only these documents; None: all of the tenant's."""


@dataclass(frozen=True, slots=True)
class _Counted:
    term: QueryTerm
    query: str
    chunks: int
    weight: float


@dataclass(frozen=True, slots=True)
class _Statistics:
    chunks: int
    average_tokens: float | None
    shares: Mapping[str, float]
    """Of the chunks, those that hold a term, by the term; 0 of rare ones."""

    def share(self, term: QueryTerm) -> float:
        return max((self.shares.get(form, 0.0) for form in term.forms), default=0.0)

    def with_atoms(self, term: QueryTerm) -> float:
        """Chunks that hold all atoms of an identifier, if they were independent."""
        return self.chunks * math.prod(self.shares.get(atom, 0.0) for atom in term.atoms)


class LexicalSearch:
    """Searches the terms of one tenant's published chunks in one vector space."""

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model

    async def find(
        self,
        connection: Connection,
        query: LexicalQuery,
        scope: SearchScope,
        *,
        also: Sequence[UUID] = (),
        vector: NDArray[np.float32] | None = None,
    ) -> list[LexicalMatch]:
        """The best chunks by BM25, and those of ``also`` that hold nothing the query excludes.

        Args:
            connection: In a transaction that acts for the tenant.
            query: What is looked for.
            scope: Where, and how many besides ``also``.
            also: Chunks to be scored as well.
            vector: To compare the chunks' vectors with.
        """
        counted, statistics = await self._count(connection, query.terms, scope.tenant_id)
        if not counted and not also:
            return []
        rows = await connection.fetch(
            SQL["score_terms"],
            _candidates(counted, query) or _NOTHING,
            scope.document_ids is None and _are_common(counted, query, statistics.chunks),
            query.excluded,
            list(also),
            list(scope.document_ids) if scope.document_ids is not None else None,
            self._model.name,
            self._model.version,
            [c.query for c in counted],
            [c.weight for c in counted],
            [max(1, len(c.term.forms)) for c in counted],
            [c.term.is_identifier for c in counted],
            list(_exact(counted, query)),
            _in_other_forms(counted, query),
            _every_word(counted, query),
            statistics.average_tokens,
            MOST_CANDIDATES,
            scope.limit,
            vector,
        )
        return [LexicalMatch(**row) for row in rows]

    async def _count(
        self, connection: Connection, terms: Sequence[QueryTerm], tenant_id: UUID
    ) -> tuple[list[_Counted], _Statistics]:
        """Weigh the terms that some chunk holds; also gives the statistics it used."""
        statistics = await self._statistics(connection, terms, tenant_id)
        terms = await self._narrowed(connection, terms, statistics)
        rare = [term for term in terms if not statistics.share(term)]
        counts = await self._look_up(connection, [term.query for term in rare])
        known = dict(zip((term.query for term in rare), counts, strict=True))
        unknown = [t for t in rare if not known[t.query] and t.prefix_query]
        begun = await self._look_up(connection, [t.prefix_query or "" for t in unknown])
        by_prefix = dict(zip((t.query for t in unknown), begun, strict=True))
        counted = []
        for term in terms:
            share, begins = statistics.share(term), by_prefix.get(term.query, 0)
            chunks = round(share * statistics.chunks) if share else known[term.query] or begins
            query = (term.prefix_query or term.query) if begins else term.query
            if chunks:
                weight = _weight(chunks, statistics.chunks) * term.share
                weight *= term.times**_TIMES_EXPONENT
                counted.append(_Counted(term, query, chunks, weight))
        return sorted(counted, key=lambda entry: entry.chunks), statistics

    async def _narrowed(
        self, connection: Connection, terms: Sequence[QueryTerm], statistics: _Statistics
    ) -> Sequence[QueryTerm]:
        """The terms; identifiers whose atoms are in very many chunks are looked for as one term.

        Whether atoms stand side by side is not in the index: each chunk that holds them is read.
        """
        if not statistics.average_tokens:
            return terms  # too few chunks to matter
        apart = [term for term in terms if term.atoms]
        unsure = [t for t in apart if statistics.with_atoms(t) < MOST_CANDIDATES]
        counts = await self._look_up(connection, [t.atoms_query for t in unsure], MOST_CANDIDATES)
        few = {t for t, count in zip(unsure, counts, strict=True) if count < MOST_CANDIDATES}
        return [
            replace(t, query=t.joined_query or _NOTHING) if t.atoms and t not in few else t
            for t in terms
        ]

    async def _statistics(
        self, connection: Connection, terms: Sequence[QueryTerm], tenant_id: UUID
    ) -> "_Statistics":
        forms = [form for term in terms for form in (*term.forms, *term.atoms)]
        row = await connection.fetchrow(
            SQL["statistics"], tenant_id, self._model.name, self._model.version, forms
        )
        if row is not None:
            shares = dict(zip(forms, row["fractions"], strict=True))
            return _Statistics(row["chunks"], row["average_tokens"], shares)
        chunks = await connection.fetchval(SQL["count_chunks"], tenant_id, _COUNTED_DOCUMENTS)
        return _Statistics(chunks, None, {})

    async def _look_up(
        self, connection: Connection, queries: Sequence[str], most: int = MOST_COUNTED
    ) -> list[int]:
        if not queries:
            return []
        counts: list[int] = await connection.fetchval(
            SQL["count_terms"], queries, self._model.name, self._model.version, most
        )
        return counts


NO_WORDS = parse("")
_NOTHING = "'~'"
"""A query that finds nothing: no term is punctuation alone."""


def _weight(chunks: int, total: int) -> float:
    """Inverse document frequency, as Lucene computes it: never negative."""
    return math.log(1 + (max(total, chunks) - chunks + 0.5) / (chunks + 0.5))


def _candidates(counted: Sequence[_Counted], query: LexicalQuery) -> str:
    """What is looked up in the index: the rarest terms, as many as fit ``MOST_CANDIDATES``.

    A chunk that holds none of the rare terms of a query is not among its best. Where even the
    rarest term is common, chunks with two of the terms are looked up.
    """
    chosen = [f"({query.quoted})"] if query.quoted else []
    room = MOST_CANDIDATES
    for entry in counted:
        room -= entry.chunks
        if room < 0:
            break
        chosen.append(f"({entry.query})")
    if chosen or not counted:
        return " | ".join(chosen)
    first, *others = (f"({entry.query})" for entry in counted)
    return f"{first} & ({' | '.join(others)})" if others else first


def _are_common(counted: Sequence[_Counted], query: LexicalQuery, chunks: int) -> bool:
    """Whether the candidates are so common that some are found faster without the index."""
    if not counted or query.quoted or not chunks:
        return False
    first, *others = (min(1.0, entry.chunks / chunks) for entry in counted)
    share = first * max(others, default=1.0)
    return chunks * share * share > MOST_CANDIDATES * _INDEXED_OF_READ


def _exact(counted: Sequence[_Counted], query: LexicalQuery) -> Iterator[str]:
    if query.quoted and len(query.terms) <= MOST_TERMS_QUOTED:
        yield query.quoted
    elif query.sides:
        yield " <-> ".join(side.written for side in query.sides)
    for entry in counted:
        if entry.term.is_identifier and entry.chunks <= MOST_OF_IDENTIFIER:
            yield entry.query


def _in_other_forms(counted: Sequence[_Counted], query: LexicalQuery) -> str | None:
    looked_up = {entry.term.query: entry.query for entry in counted}
    sides = [looked_up.get(side.term, side.term) for side in query.sides]
    return " <-> ".join(sides) or None


def _every_word(counted: Sequence[_Counted], query: LexicalQuery) -> str | None:
    if not 2 <= len(query.terms) <= MOST_TERMS_TOGETHER or len(counted) < len(query.terms):
        return None
    return " & ".join(f"({entry.query})" for entry in counted)
