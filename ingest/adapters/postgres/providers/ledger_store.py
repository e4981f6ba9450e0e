"""The ledger: money set aside before a call, charged after it, and the budgets that bound it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.statements import load
from ingest.domain.errors import BudgetExhausted, PausedByOperator
from ingest.domain.job import Lane
from ingest.domain.pricing import (
    CallState,
    Charge,
    Operation,
    Period,
    Purpose,
    Reservation,
    ensure_limits,
)

SQL = load("provider_calls")
BUDGETS = load("budgets")
_RETRY_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one day's calls to one model came to."""

    day: date
    provider: str
    model: str
    operation: Operation
    calls: int
    """Calls that were answered."""
    unknown_calls: int
    """Calls whose answer was lost; counted as charged."""
    units: int
    """Tokens, or credits."""
    unknown_units: int
    """Part of them in calls whose answer was lost; they may not have been charged."""
    pages: int
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit, and what is used of it."""

    tenant_id: UUID
    """The tenant, or ALL_TENANTS."""
    purpose: Purpose
    period: Period
    soft_usd: Decimal | None
    hard_usd: Decimal | None
    updated_at: datetime
    reserved_usd: Decimal
    spent_usd: Decimal

    @property
    def used_usd(self) -> Decimal:
        """Spent, and set aside for calls under way."""
        return self.spent_usd + self.reserved_usd

    @property
    def exhausted(self) -> bool:
        """Whether nothing more is bought."""
        return self.hard_usd is not None and self.used_usd >= self.hard_usd

    @property
    def over_soft(self) -> bool:
        """Whether a warning is due."""
        return self.soft_usd is not None and self.used_usd > self.soft_usd


@dataclass(frozen=True, slots=True)
class Spent:
    """What a lane's calls have come to."""

    usd: Decimal = Decimal()
    """Charged, or set aside for calls under way."""
    tokens: int = 0
    """Embedded."""


class LedgerStore:
    """Rows of ``provider_calls``, and the limits and sums of each purpose."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spent(self, lane: Lane, tenant_id: UUID, *, since: datetime) -> Spent:
        """What a tenant's calls in a lane that began since then have come to."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["spent_in_lane"], tenant_id, lane, since)
        return Spent(**row)

    async def reserve(self, reservation: Reservation) -> None:
        """See the port; what an error leaves set aside ends with the reservation."""
        payer = reservation.payer
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                SQL["reserve_call"],
                reservation.call_id,
                payer.tenant_id,
                reservation.provider,
                reservation.model,
                payer.operation,
                payer.lane,
                reservation.key_fingerprint,
                reservation.lasts,
                reservation.units,
                reservation.usd,
            )
        if row["paused"]:
            raise PausedByOperator(
                f"calls to {reservation.provider} are paused by an operator",
                retry_after=_RETRY_AFTER,
            )
        if row["full_budget"] is not None:
            raise BudgetExhausted(f"{row['full_budget']} is used up", retry_after=_RETRY_AFTER)

    async def end(self, call_id: UUID, state: CallState, charge: Charge) -> None:
        """See the port."""
        async with self._database.connection() as connection:
            await end_call(connection, call_id, state, charge)

    async def expire(self, *, limit: int = 1000) -> int:
        """End the reservations of dead processes: what was reserved counts as spent."""
        async with self._database.connection() as connection:
            calls = [row["call_id"] for row in await connection.fetch(SQL["expired_calls"], limit)]
            if not calls:
                return 0
            return int(
                await connection.fetchval(
                    SQL["end_call"], calls, CallState.UNKNOWN, None, None, None, None, "expired"
                )
            )

    async def usage(self, tenant_id: UUID | None, *, since: date, before: date) -> list[Usage]:
        """What a tenant, or everybody, was charged on these days (UTC)."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["usage"], tenant_id, since, before)
        return [Usage(**{**row, "operation": Operation(row["operation"])}) for row in rows]

    async def set_budget(
        self,
        tenant_id: UUID,
        period: Period,
        *,
        soft: Decimal | None,
        hard: Decimal | None,
        purpose: Purpose = Purpose.INGESTION,
    ) -> None:
        """Set the limits of a tenant, or of ALL_TENANTS, in US dollars.

        Raises:
            InvalidRequest: the soft limit is over the hard one.
        """
        ensure_limits(soft=soft, hard=hard)
        async with self._database.connection() as connection:
            await connection.execute(BUDGETS["set_budget"], tenant_id, purpose, period, soft, hard)

    async def remove_budget(
        self, tenant_id: UUID, period: Period, *, purpose: Purpose = Purpose.INGESTION
    ) -> bool:
        """Lift the limits; False when there were none."""
        async with self._database.connection() as connection:
            removed = await connection.fetchval(
                BUDGETS["remove_budget"], tenant_id, purpose, period
            )
        return removed is not None

    async def budgets(self, tenant_ids: Sequence[UUID] | None = None) -> list[Budget]:
        """The budgets of these tenants, or all of them, as they stand in the present period."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(BUDGETS["list_budgets"], tenant_ids)
        return [_budget(row) for row in rows]


def _budget(row: Mapping[str, Any]) -> Budget:
    named = {"period": Period(row["period"]), "purpose": Purpose(row["purpose"])}
    return Budget(**{**row, **named})


async def end_call(
    connection: Connection, call_id: UUID | None, state: CallState, charge: Charge
) -> None:
    """Say how a call ended, inside a caller's transaction; None: there was none."""
    if call_id is None:
        return
    await connection.fetchval(
        SQL["end_call"],
        [call_id],
        state,
        charge.units,
        charge.pages,
        charge.usd,
        charge.request_id,
        charge.error_code,
    )
