"""Search: finds the chunks that answer a question best."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from ingest.adapters.postgres.search.search_store import Hit
from ingest.adapters.text_analysis.query import parse
from ingest.domain.errors import (
    IngestError,
    InputRefused,
    InvalidRequest,
    InvalidVector,
    TransientError,
)
from ingest.domain.job import Degraded, Lane
from ingest.domain.pricing import Operation, Payer
from ingest.domain.search_mode import SearchMode
from serve.authorization import Tenant
from serve.dependencies import CurrentDependencies, Space
from serve.problems import documented
from serve.query_parameters import StrictRoute
from serve.schemas import Context, RequestBody, ResponseBody, Text, Whole

router = APIRouter(tags=["search"], route_class=StrictRoute)
MAX_QUERY_CHARS = 8000
MAX_SEARCH_DOCUMENTS = 1000


class SearchRequest(RequestBody):
    """A question, and options of the search."""

    query: Text = Field(max_length=MAX_QUERY_CHARS)
    k: Whole = Field(10, ge=1, le=100, description="Most hits to return.")
    mode: SearchMode = Field(
        SearchMode.HYBRID,
        description="hybrid: by meaning and by words (BM25), in one score; vector: by meaning "
        'alone; lexical: by words alone. Where words count, chunks with "two words" side by side '
        "come first, -word must not be there, and word* stands for all words that begin so.",
    )
    document_ids: list[UUID] | None = Field(
        None, max_length=MAX_SEARCH_DOCUMENTS, description="Search only these documents."
    )


class HitBody(ResponseBody):
    """A chunk in the result."""

    score: float = Field(
        description="The hits are ordered by it. hybrid and lexical: 0 to 1, relative to the best "
        "chunks for this query, and at least 0.5 where the chunk holds the query as it is written "
        "or, where none does, all words of a short query; vector: the similarity."
    )
    similarity: float | None = Field(
        description="Cosine similarity to the query, -1 to 1; null in mode lexical."
    )
    lexical_score: float = Field(
        description="BM25; 0 where the chunk holds no word of the query, and in mode vector."
    )
    is_exact: bool = Field(
        description="Whether the chunk holds the query as it is written, or an identifier of it."
    )
    document_id: UUID
    filename: str
    chunk_id: UUID
    chunk_ord: int
    char_start: int
    char_end: int = Field(
        description="End of the chunk (exclusive), in characters of the document's text."
    )
    page: int | None
    heading_path: tuple[str, ...]
    context: Context
    text: str
    also_in: tuple[UUID, ...] = Field(
        description="Other documents with the same text; they are no hits of their own."
    )
    degraded: tuple[Degraded, ...] = Field(
        description="Parts of the document that the local fallback made because a provider did "
        "not answer."
    )

    @classmethod
    def of(cls, hit: Hit) -> Self:
        """Build the body of a hit."""
        return cls.model_validate(hit)


class SearchResponse(ResponseBody):
    """The hits, best first."""

    hits: list[HitBody]
    models: list[str] = Field(
        description="The vector spaces that were searched; their hits are merged by score. The "
        "space that serves the tenant is missing while its provider does not answer."
    )


@router.post(
    "/v1/search",
    response_model=SearchResponse,
    summary="Search the published chunks",
    responses=documented(401, 402, 403, 413, 422, 429, 503),
)
async def search(
    asked: SearchRequest, gateway: CurrentDependencies, tenant: Tenant
) -> SearchResponse:
    """Return the tenant's `k` best chunks for a query, by meaning and by words."""
    await gateway.limits.admit_search(tenant)
    spaces = await gateway.spaces_of(tenant)
    while True:
        answers = await asyncio.gather(*(_ask(space, asked, tenant) for space in spaces))
        asked_in, spaces = spaces, await gateway.spaces_of(tenant)
        if spaces == asked_in:
            break  # no switch to another model happened during the search
    found = {
        space.embedder.model.label: answer
        for space, answer in zip(spaces, answers, strict=True)
        if not isinstance(answer, IngestError)
    }
    if isinstance(answers[0], IngestError) and not found:
        raise answers[0]
    best = sorted(_comparable(list(found.values())), key=lambda hit: -hit.score)
    return SearchResponse(hits=[HitBody.of(hit) for hit in best[: asked.k]], models=list(found))


def _comparable(answers: Sequence[list[Hit]]) -> Iterator[Hit]:
    """The hits of all spaces; similarities of two models become shares of the best one of each."""
    for hits in answers:
        best = max((hit.score for hit in hits), default=0.0)
        for hit in hits:
            is_share = len(answers) == 1 or hit.score != hit.similarity or best <= 0
            yield hit if is_share else replace(hit, score=hit.score / best)


async def _ask(space: Space, asked: SearchRequest, tenant: UUID) -> list[Hit] | IngestError:
    """Search one vector space; returns the error when that is not possible."""
    words = None if asked.mode is SearchMode.VECTOR else parse(asked.query)
    vector = None
    try:
        if asked.mode is not SearchMode.LEXICAL:
            payer = Payer(tenant, Lane.INTERACTIVE, Operation.SEARCH)
            text = words.text if words else asked.query
            vector = (await space.embedder.embed([text], payer=payer))[0]
    except (InvalidVector, InputRefused):
        if words is None or not words.terms:
            return InvalidRequest("the query holds no word that the model knows: use other words")
    except TransientError as exc:
        return exc
    return await space.store.search(
        vector, tenant, limit=asked.k, document_ids=asked.document_ids, words=words
    )
