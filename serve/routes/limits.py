"""What a tenant may use, and what it does use."""

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
    """One limit."""

    kind: LimitKind = Field(description="Days and minutes are UTC. Over the limit: 429.")
    allowed: int | None = Field(description="The limit; null where there is none.")
    used: int = Field(description="Days and minutes are counted only while a limit is set.")


class LimitList(ResponseBody):
    """All of them."""

    limits: list[LimitBody]


@router.get(
    "/v1/limits",
    response_model=LimitList,
    summary="The tenant's limits, and what it uses of them",
    responses=documented(401, 403, 422, 503),
)
async def limits(gateway: CurrentDependencies, tenant: Tenant) -> LimitList:
    """The tenant's limits, set by the operator, and what is used of each at this moment."""
    uses = await gateway.limits.use(tenant)
    return LimitList(limits=[LimitBody.model_validate(use) for use in uses])
