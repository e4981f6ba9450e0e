"""The limits of a tenant, and its usage."""

from fastapi import APIRouter
from pydantic import Field

from ingest.domain.tenant_limits import LimitKind
from serve.authorization import Tenant
from serve.dependencies import CurrentDependencies
from serve.problems import documented
from serve.query_parameters import StrictRoute
from serve.schemas import ResponseBody

router = APIRouter(tags=["limits"], route_class=StrictRoute)


class LimitBody(ResponseBody):
    """A limit, and the usage under it."""

    kind: LimitKind = Field(
        description="The limited quantity; days and minutes are UTC. A request above the limit "
        "gets 429."
    )
    allowed: int | None = Field(description="The limit; null where there is none.")
    used: int = Field(
        description="The usage; per day and per minute it is counted only while a limit is set."
    )


class LimitList(ResponseBody):
    """All limits of the tenant."""

    limits: list[LimitBody]


@router.get(
    "/v1/limits",
    response_model=LimitList,
    summary="Read the tenant's limits and usage",
    responses=documented(401, 403, 422, 503),
)
async def limits(gateway: CurrentDependencies, tenant: Tenant) -> LimitList:
    """Return the tenant's limits, which the operator sets, and the present usage."""
    uses = await gateway.limits.use(tenant)
    return LimitList(limits=[LimitBody.model_validate(use) for use in uses])
