"""Builds the API as one ASGI application; it needs no Ray."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

import ingest
from ingest.app.providers.rate_limiter import LocalRateLimiter
from ingest.domain.errors import IngestError
from ingest.ports.providers import RateLimiter
from ingest.settings import Settings
from ingest.wiring.providers import quotas
from serve import problems
from serve.dependencies import open_dependencies
from serve.metrics import Backlog, Metrics
from serve.middleware import RequestMiddleware
from serve.routes import (
    api_docs,
    dead_letter,
    documents,
    events,
    health,
    jobs,
    limits,
    search,
    upload_batch,
    uploads,
    usage,
    webhooks,
)
from serve.schemas import EventBody

_PARTS = (
    uploads,
    upload_batch,
    documents,
    jobs,
    events,
    dead_letter,
    search,
    usage,
    limits,
    webhooks,
    health,
    api_docs,
)
_DESCRIPTION = """\
Documents in, searchable chunks out. Upload with `POST /v1/documents`, watch the job at its
`status_url` or live at its `events_url`, then `POST /v1/search`.

Every error is `application/problem+json` (RFC 9457) with a stable `code`; 429 and 503 carry
`Retry-After` and are safe to repeat, uploads too: the same bytes are accepted once."""


def create_api(
    settings: Settings, *, rate_limiter: RateLimiter | None = None, names_responses: bool = True
) -> FastAPI:
    """Build the application; its lifespan opens the database, the blobs and the embedders.

    Args:
        settings: The settings of the process.
        rate_limiter: Limits calls to providers; None makes one for this process alone.
        names_responses: Whether to send X-Request-ID back; Ray Serve does it by itself.
    """
    metrics = Metrics()
    shared = rate_limiter or LocalRateLimiter(quotas(settings))

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        async with open_dependencies(settings, shared) as gateway:
            api.state.gateway = gateway
            metrics.show(Backlog(gateway.database, stuck_after=settings.stuck_after))
            metrics.show(gateway.providers)
            yield

    api = FastAPI(
        title="ingest",
        version=ingest.__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    api.state.metrics = metrics
    for part in _PARTS:
        api.include_router(part.router)
    api.state.routes = [route for part in _PARTS for route in part.router.routes]
    api.add_exception_handler(IngestError, problems.on_ingest_error)
    api.add_exception_handler(RequestValidationError, problems.on_invalid_request)
    api.add_exception_handler(HTTPException, problems.on_http_exception)
    api.add_middleware(
        RequestMiddleware,
        metrics=metrics,
        upload_paths=(uploads.PATH, upload_batch.PATH),
        names_responses=names_responses,
    )
    api.openapi = lambda: _openapi(api)  # type: ignore[method-assign] # FastAPI's own way
    return api


def _openapi(api: FastAPI) -> dict[str, Any]:
    """Build the OpenAPI description, with schemas that routes name but do not return."""
    if api.openapi_schema is None:
        described = get_openapi(
            title=api.title,
            version=api.version,
            description=api.description,
            routes=api.routes,
        )
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        for model in (problems.Problem, EventBody):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas[model.__name__] = schema
        api.openapi_schema = described
    return api.openapi_schema
