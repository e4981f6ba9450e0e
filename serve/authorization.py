"""The table of the scope that each route needs, and the check of the caller."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials

from ingest.adapters.postgres.pool import act_for
from ingest.domain.scopes import Caller, Scope
from ingest.wiring.providers import WEBHOOK_PATH
from serve.authentication import bearer
from serve.dependencies import CurrentDependencies

_WEBHOOK = f"POST {WEBHOOK_PATH}/{{token}}"
NEEDED: Mapping[str, Scope | None] = MappingProxyType(
    {
        "GET /healthz": None,
        "GET /readyz": None,
        "GET /metrics": None,
        "POST /v1/documents": Scope.WRITE,
        "POST /v1/documents:batch": Scope.WRITE,
        "GET /v1/documents": Scope.READ,
        "GET /v1/documents/{document_id}": Scope.READ,
        "DELETE /v1/documents/{document_id}": Scope.WRITE,
        "GET /v1/documents/{document_id}/chunks": Scope.READ,
        "GET /v1/jobs": Scope.READ,
        "POST /v1/jobs:batchGet": Scope.READ,
        "GET /v1/jobs/{job_id}": Scope.READ,
        "GET /v1/jobs/{job_id}/events": Scope.READ,
        "POST /v1/jobs/{job_id}:cancel": Scope.WRITE,
        "POST /v1/jobs/{job_id}:retry": Scope.WRITE,
        "POST /v1/search": Scope.READ,
        "GET /v1/dead-letter": Scope.READ,
        "POST /v1/dead-letter:replay": Scope.WRITE,
        "POST /v1/dead-letter:discard": Scope.WRITE,
        "GET /v1/usage": Scope.READ,
        "GET /v1/budgets": Scope.READ,
        "GET /v1/limits": Scope.READ,
        _WEBHOOK: Scope.WEBHOOK,
    }
)
"""The scope of each route; None for routes that are public on purpose."""


async def _caller(
    request: Request,
    gateway: CurrentDependencies,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    caller = await gateway.caller(credentials.credentials if credentials else None)
    needed = NEEDED[f"{request.method} {request.scope['route'].path_format}"]
    if needed is None:
        raise LookupError(f"{request.scope['route'].path_format} is public and asks whose it is")
    caller.ensure(needed)
    act_for(caller.tenant_id)
    return caller


CurrentCaller = Annotated[Caller, Depends(_caller)]
"""The caller of a request; without a valid key that has the route's scope it is refused."""


async def _tenant(caller: CurrentCaller) -> UUID:
    return caller.tenant_id


Tenant = Annotated[UUID, Depends(_tenant)]
"""The tenant's id of the caller; the same check applies."""
