"""Search: the chunks nearest to a question."""

from fastapi import APIRouter

from ingest.domain.errors import InputRefused, InvalidRequest, InvalidVector
from ingest.domain.job import Lane
from ingest.domain.money import Operation, Payer

from .access import Tenant
from .gateway import CurrentGateway
from .problems import documented
from .schemas import HitBody, SearchMode, SearchRequest, SearchResponse

router = APIRouter(tags=["search"])


@router.post(
    "/v1/search",
    response_model=SearchResponse,
    summary="Search the published chunks",
    responses=documented(401, 403, 413, 422, 429, 503),
)
async def search(asked: SearchRequest, gateway: CurrentGateway, tenant: Tenant) -> SearchResponse:
    """The tenant's `k` best chunks for a query: by meaning, and by the words as written."""
    try:
        payer = Payer(tenant, Lane.INTERACTIVE, Operation.SEARCH)
        vectors = await gateway.embedder.embed([asked.query], payer=payer)
    except (InvalidVector, InputRefused) as exc:
        raise InvalidRequest("the query holds nothing that the model knows") from exc
    hits = await gateway.search.search(
        vectors[0],
        tenant,
        limit=asked.k,
        document_ids=asked.document_ids,
        words=asked.query if asked.mode is SearchMode.HYBRID else None,
    )
    return SearchResponse(
        hits=[HitBody.of(hit) for hit in hits], model=gateway.embedder.model.label
    )
