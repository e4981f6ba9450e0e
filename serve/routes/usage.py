"""The charges of providers for a tenant, and its budgets."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from ingest.domain.identity import ALL_TENANTS
from ingest.domain.pricing import Operation, Period, Purpose, plain
from serve.authorization import Tenant
from serve.dependencies import CurrentDependencies
from serve.problems import documented
from serve.query_parameters import StrictRoute

router = APIRouter(tags=["money"], route_class=StrictRoute)
Usd = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str),
    Field(description="US dollars, in plain decimal notation."),
]


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class UsageBody(_Row):
    """The calls of one day to one model for one purpose."""

    day: date
    provider: str
    model: str
    operation: Operation
    calls: int = Field(description="Answered calls.")
    unknown_calls: int = Field(description="Calls whose answer was lost; they count as charged.")
    units: int = Field(description="Tokens of an embedder, or credits of a parser.")
    unknown_units: int = Field(
        description="Units of the calls whose answer was lost; part of `units`."
    )
    pages: int
    usd: Usd


class UsageReport(_Row):
    """The charges of providers."""

    tenant_id: UUID
    tenant_name: str | None = Field(description="Name of the tenant; null when it has only an id.")
    since: date
    usage: list[UsageBody]
    usd: Usd


class BudgetBody(_Row):
    """A budget of the tenant, and the amount used."""

    purpose: Purpose = Field(description="The spending that it limits: ingestion, or search.")
    period: Period
    soft_usd: Usd | None = Field(description="Above this amount a warning is logged.")
    hard_usd: Usd | None = Field(
        description="Above this amount nothing is bought: jobs wait, and search answers 402."
    )
    spent_usd: Usd
    reserved_usd: Usd = Field(description="Amount reserved for calls under way.")
    over_soft: bool
    exhausted: bool


class CommonBudgetBody(_Row):
    """A budget for all tenants together; the amount spent is not shown."""

    purpose: Purpose = Field(description="The spending that it limits: ingestion, or search.")
    period: Period
    soft_usd: Usd | None
    hard_usd: Usd | None
    exhausted: bool = Field(
        description="True when it is used up; then nothing is bought for any tenant."
    )


class BudgetList(_Row):
    """Budgets of the present day and month (UTC)."""

    budgets: list[BudgetBody] = Field(description="Budgets of the tenant.")
    common: list[CommonBudgetBody] = Field(description="Budgets for all tenants together.")
    common_exhausted: bool = Field(
        description="True when a budget of all tenants for ingestion is used up."
    )


@router.get(
    "/v1/usage",
    response_model=UsageReport,
    summary="Read the charges of providers",
    responses=documented(401, 403, 422, 503),
)
async def usage(
    gateway: CurrentDependencies,
    tenant: Tenant,
    days: Annotated[int, Query(ge=1, le=366, description="Number of days, today included.")] = 30,
) -> UsageReport:
    """Return the tenant's calls by day, provider, model and operation; days are in UTC."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    since = tomorrow - timedelta(days=days)
    rows = await gateway.ledger.usage(tenant, since=since, before=tomorrow)
    return UsageReport(
        tenant_id=tenant,
        tenant_name=(await gateway.tenants.names([tenant])).get(tenant),
        since=since,
        usage=[UsageBody.model_validate(row) for row in rows],
        usd=sum((row.usd for row in rows), Decimal()),
    )


@router.get(
    "/v1/budgets",
    response_model=BudgetList,
    summary="Read the budgets",
    responses=documented(401, 403, 422, 503),
)
async def budgets(gateway: CurrentDependencies, tenant: Tenant) -> BudgetList:
    """The tenant's budgets, and the limits of the common ones; what others spent is not shown."""
    views = await gateway.ledger.budgets([tenant, ALL_TENANTS])
    common = [view for view in views if view.tenant_id == ALL_TENANTS]
    return BudgetList(
        budgets=[BudgetBody.model_validate(view) for view in views if view.tenant_id == tenant],
        common=[CommonBudgetBody.model_validate(view) for view in common],
        common_exhausted=any(
            view.exhausted for view in common if view.purpose is Purpose.INGESTION
        ),
    )
