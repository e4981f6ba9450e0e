"""Search: the chunks nearest to a question."""

import asyncio
from enum import StrEnum
from typing import Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from ingest.adapters.postgres.search.search_store import Hit
from ingest.domain.errors import (
    IngestError,
    InputRefused,
    InvalidRequest,
    InvalidVector,
    TransientError,
)
from ingest.domain.job import Degraded, Lane
from ingest.domain.pricing import Operation, Payer
from ingest.domain.rank_fusion import fuse
from serve.authorization import Tenant
from serve.dependencies import CurrentDependencies, Space
from serve.problems import documented
from serve.query_parameters import StrictRoute
from serve.schemas import RequestBody, ResponseBody, Text, Whole

router = APIRouter(tags=["search"], route_class=StrictRoute)
MAX_QUERY_CHARS = 8000
MAX_SEARCH_DOCUMENTS = 1000


class SearchMode(StrEnum):
    """What makes a chunk a hit."""

    HYBRID = "hybrid"
    """Nearness in meaning, fused with holding every word of the query."""
    VECTOR = "vector"
    """Nearness in meaning alone."""


class SearchRequest(RequestBody):
    """What to look for."""

    query: Text = Field(max_length=MAX_QUERY_CHARS)
    k: Whole = Field(10, ge=1, le=100, description="Most hits.")
    mode: SearchMode = Field(
        SearchMode.HYBRID,
        description="hybrid: meaning and words as written, fused by rank; vector: meaning alone.",
    )
    document_ids: list[UUID] | None = Field(
        None, max_length=MAX_SEARCH_DOCUMENTS, description="Only these documents."
    )


class HitBody(ResponseBody):
    """A chunk that was found."""

    score: float = Field(description="Cosine similarity, -1 to 1.")
    document_id: UUID
    filename: str
    chunk_id: UUID
    chunk_ord: int
    char_start: int
    char_end: int = Field(description="Half-open, in characters of the document's text.")
    page: int | None
    heading_path: tuple[str, ...]
    text: str
    degraded: tuple[Degraded, ...] = Field(
        description="What of the document was made here because its provider was away."
    )

    @classmethod
    def of(cls, hit: Hit) -> Self:
        """The body of a hit."""
        return cls.model_validate(hit)


class SearchResponse(ResponseBody):
    """Hits, best first."""

    hits: list[HitBody]
    models: list[str] = Field(
        description="The vector spaces that were searched, each on its own; their rankings are "
        "fused. The one that serves the tenant is missing while its provider is away."
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
    """The tenant's `k` best chunks for a query: by meaning, and by the words as written."""
    await gateway.limits.admit_search(tenant)
    spaces = await gateway.spaces_of(tenant)
    while True:
        answers = await asyncio.gather(*(_ask(space, asked, tenant) for space in spaces))
        asked_in, spaces = spaces, await gateway.spaces_of(tenant)
        if spaces == asked_in:
            break  # the tenant was not flipped to another model meanwhile
    found = {
        space.embedder.model.label: answer
        for space, answer in zip(spaces, answers, strict=True)
        if not isinstance(answer, IngestError)
    }
    if isinstance(answers[0], IngestError) and not found:
        raise answers[0]
    by_id = {hit.chunk_id: hit for hits in found.values() for hit in hits}
    ranked = fuse(*([hit.chunk_id for hit in hits] for hits in found.values()))
    best = [HitBody.of(by_id[chunk_id]) for chunk_id in ranked[: asked.k]]
    return SearchResponse(hits=best, models=list(found))


async def _ask(space: Space, asked: SearchRequest, tenant: UUID) -> list[Hit] | IngestError:
    """What one vector space answers, or why nobody can ask it."""
    try:
        payer = Payer(tenant, Lane.INTERACTIVE, Operation.SEARCH)
        vectors = await space.embedder.embed([asked.query], payer=payer)
    except (InvalidVector, InputRefused):
        return InvalidRequest("the query holds nothing that the model knows")
    except TransientError as exc:
        return exc
    return await space.store.search(
        vectors[0],
        tenant,
        limit=asked.k,
        document_ids=asked.document_ids,
        words=asked.query if asked.mode is SearchMode.HYBRID else None,
    )
