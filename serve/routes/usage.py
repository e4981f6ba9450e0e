"""What providers charged for a tenant, and what it may spend."""

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
    """A day's calls to one model, for one purpose."""

    day: date
    provider: str
    model: str
    operation: Operation
    calls: int = Field(description="That were answered.")
    unknown_calls: int = Field(description="Whose answer was lost; counted as charged.")
    units: int = Field(description="Tokens of an embedder, credits of a parser.")
    unknown_units: int = Field(description="Part of them in calls whose answer was lost.")
    pages: int
    usd: Usd


class UsageReport(_Row):
    """What providers charged."""

    tenant_id: UUID
    tenant_name: str | None = Field(description="null while only the id is known.")
    since: date
    usage: list[UsageBody]
    usd: Usd


class BudgetBody(_Row):
    """A limit on what is spent, and how much of it is used."""

    purpose: Purpose = Field(description="What it bounds: ingestion, or search.")
    period: Period
    soft_usd: Usd | None = Field(description="Over it, a warning is given.")
    hard_usd: Usd | None = Field(
        description="Over it, nothing is bought: jobs wait, and search answers 402."
    )
    spent_usd: Usd
    reserved_usd: Usd = Field(description="Set aside for calls under way.")
    over_soft: bool
    exhausted: bool


class CommonBudgetBody(_Row):
    """A limit on what all tenants together spend; what others have spent is not shown."""

    purpose: Purpose = Field(description="What it bounds: ingestion, or search.")
    period: Period
    soft_usd: Usd | None
    hard_usd: Usd | None
    exhausted: bool = Field(description="Nothing more is bought for anybody.")


class BudgetList(_Row):
    """Budgets of the present day and month (UTC)."""

    budgets: list[BudgetBody] = Field(description="The tenant's own.")
    common: list[CommonBudgetBody] = Field(description="Those of all tenants together.")
    common_exhausted: bool = Field(
        description="A budget of all tenants together for ingestion is used up."
    )


@router.get(
    "/v1/usage",
    response_model=UsageReport,
    summary="What providers charged",
    responses=documented(401, 403, 422, 503),
)
async def usage(
    gateway: CurrentDependencies,
    tenant: Tenant,
    days: Annotated[int, Query(ge=1, le=366, description="Today and the days before it.")] = 30,
) -> UsageReport:
    """The tenant's calls by day, provider, model and operation; days are UTC's."""
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
    summary="What may be spent, and what is left of it",
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
