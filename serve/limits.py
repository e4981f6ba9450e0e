"""What a tenant may use, and what it does use."""

from fastapi import APIRouter
from pydantic import Field

from ingest.domain.limits import LimitKind

from .access import Tenant
from .gateway import CurrentGateway
from .parameters import StrictRoute
from .problems import documented
from .schemas import Body

router = APIRouter(tags=["limits"], route_class=StrictRoute)


class LimitBody(Body):
    """One limit."""

    kind: LimitKind = Field(description="Days and minutes are UTC's; over it, 429.")
    allowed: int | None = Field(description="null: as much as there is.")
    used: int = Field(description="Counted for days and minutes only while there are limits.")


class LimitList(Body):
    """All of them."""

    limits: list[LimitBody]


@router.get(
    "/v1/limits",
    response_model=LimitList,
    summary="What the tenant may use, and does",
    responses=documented(401, 403, 422, 503),
)
async def limits(gateway: CurrentGateway, tenant: Tenant) -> LimitList:
    """The tenant's limits, set by the operator, and what is used of each at this moment."""
    uses = await gateway.limits.use(tenant)
    return LimitList(limits=[LimitBody.model_validate(use) for use in uses])
