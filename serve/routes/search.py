"""Search: finds the chunks that answer a question best."""

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
    """How chunks are ranked."""

    HYBRID = "hybrid"
    """By meaning, fused with the ranking of the chunks that hold every word of the query."""
    VECTOR = "vector"
    """By meaning alone."""


class SearchRequest(RequestBody):
    """A question, and options of the search."""

    query: Text = Field(max_length=MAX_QUERY_CHARS)
    k: Whole = Field(10, ge=1, le=100, description="Most hits to return.")
    mode: SearchMode = Field(
        SearchMode.HYBRID,
        description="hybrid: rankings by meaning and by exact words, fused; vector: ranking by "
        "meaning alone.",
    )
    document_ids: list[UUID] | None = Field(
        None, max_length=MAX_SEARCH_DOCUMENTS, description="Search only these documents."
    )


class HitBody(ResponseBody):
    """A chunk in the result."""

    score: float = Field(description="Cosine similarity, -1 to 1.")
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
    text: str
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
        description="The vector spaces that were searched; their rankings are fused. The space "
        "that serves the tenant is missing while its provider does not answer."
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
    """Return the tenant's `k` best chunks for a query, by meaning and by exact words."""
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
    by_id = {hit.chunk_id: hit for hits in found.values() for hit in hits}
    ranked = fuse(*([hit.chunk_id for hit in hits] for hits in found.values()))
    best = [HitBody.of(by_id[chunk_id]) for chunk_id in ranked[: asked.k]]
    return SearchResponse(hits=best, models=list(found))


async def _ask(space: Space, asked: SearchRequest, tenant: UUID) -> list[Hit] | IngestError:
    """Search one vector space; returns the error when that is not possible."""
    try:
        payer = Payer(tenant, Lane.INTERACTIVE, Operation.SEARCH)
        vectors = await space.embedder.embed([asked.query], payer=payer)
    except (InvalidVector, InputRefused):
        return InvalidRequest("the query holds no word that the model knows: use other words")
    except TransientError as exc:
        return exc
    return await space.store.search(
        vectors[0],
        tenant,
        limit=asked.k,
        document_ids=asked.document_ids,
        words=asked.query if asked.mode is SearchMode.HYBRID else None,
    )
