"""Documents: list, read and delete them, and read their chunks."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from ingest.domain.errors import NotFound
from ingest.domain.parse_warning import WarningCode
from serve import paging
from serve.authorization import Tenant
from serve.dependencies import CurrentDependencies
from serve.problems import documented
from serve.query_parameters import StrictRoute
from serve.schemas import ChunkBody, ChunkPage, DocumentBody, DocumentPage

router = APIRouter(tags=["documents"], route_class=StrictRoute)
MAX_ORD = 2**31 - 1
"""The largest integer of PostgreSQL's type of chunk_ord."""
MISSING = "there is no such document"


@router.get(
    "/v1/documents",
    response_model=DocumentPage,
    summary="List documents, newest first",
    responses=documented(401, 403, 422, 503),
)
async def list_documents(
    gateway: CurrentDependencies,
    tenant: Tenant,
    cursor: Annotated[
        str | None, Query(description="The next_cursor of the previous page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    warning: Annotated[
        WarningCode | Literal["any"] | None,
        Query(description="Only documents with a warning of this code, or with `any`."),
    ] = None,
) -> DocumentPage:
    """Return one page of the tenant's documents."""
    before = paging.decode(cursor)
    if warning is None:
        rows = await gateway.documents.list_newest(tenant, before=before, limit=limit + 1)
    else:
        code = None if warning == "any" else warning
        rows = await gateway.documents.list_warned(
            tenant, code=code, before=before, limit=limit + 1
        )
    page, next_cursor = paging.cut(rows, limit, lambda row: (row.created_at, row.document_id))
    return DocumentPage(documents=[DocumentBody.of(row) for row in page], next_cursor=next_cursor)


@router.get(
    "/v1/documents/{document_id:uuid}",
    response_model=DocumentBody,
    summary="Read a document",
    responses=documented(401, 403, 404, 422, 503),
)
async def get_document(
    document_id: UUID, gateway: CurrentDependencies, tenant: Tenant
) -> DocumentBody:
    """Return one document of the tenant."""
    view = await gateway.documents.get(document_id, tenant)
    if view is None:
        raise NotFound(MISSING)
    return DocumentBody.of(view)


@router.delete(
    "/v1/documents/{document_id:uuid}",
    status_code=204,
    summary="Delete a document",
    responses=documented(401, 403, 404, 422, 503),
)
async def delete_document(document_id: UUID, gateway: CurrentDependencies, tenant: Tenant) -> None:
    """Delete a document, its jobs, its chunks, and the bytes that no other document needs.

    Backfills do not bring it back; an upload with the same name does.
    """
    deleted = await gateway.documents.delete(document_id, tenant, remove_blob=gateway.blobs.delete)
    if not deleted:
        raise NotFound(MISSING)


@router.get(
    "/v1/documents/{document_id:uuid}/chunks",
    response_model=ChunkPage,
    summary="Read a document's chunks",
    responses=documented(401, 403, 404, 422, 503),
)
async def list_chunks(
    document_id: UUID,
    gateway: CurrentDependencies,
    tenant: Tenant,
    start: Annotated[
        int, Query(alias="from", ge=0, le=MAX_ORD, description="The first chunk_ord of the page.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ChunkPage:
    """Return one page of the published chunks; empty before the first generation is published."""
    document = await gateway.documents.get(document_id, tenant)
    if document is None:
        raise NotFound(MISSING)
    rows = await gateway.chunks.list_chunks(document_id, tenant, from_ord=start, limit=limit + 1)
    more = len(rows) > limit
    return ChunkPage(
        document_id=document_id,
        live_generation=document.live_generation,
        chunks=[ChunkBody.of(row) for row in rows[:limit]],
        next_from=rows[limit].chunk_ord if more else None,
    )
