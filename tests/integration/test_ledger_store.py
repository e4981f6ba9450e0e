"""The ledger: no concurrency overruns a hard budget, and what dead processes reserved ends."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.domain.errors import BudgetExhausted
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import Lane
from ingest.domain.pricing import (
    CallState,
    Charge,
    Operation,
    Payer,
    Period,
    Reservation,
)
from tests import builders

TODAY = datetime.now(UTC).date


def a_reservation(
    tenant: UUID, usd: str = "0.01", *, lasts: timedelta = timedelta(minutes=5)
) -> Reservation:
    return Reservation(
        call_id=uuid4(),
        payer=Payer(tenant, Lane.INTERACTIVE, Operation.EMBED),
        provider="openai",
        model="text-embedding-3-small",
        key_fingerprint="12345678",
        units=1000,
        usd=Decimal(usd),
        lasts=lasts,
    )


NOTHING = Decimal(0)


async def spending(database: Database) -> dict[tuple[UUID, str], tuple[Decimal, Decimal]]:
    rows = await builders.fetch(database, "SELECT * FROM upload_pipeline.spending")
    return {(r["tenant_id"], r["period"]): (r["reserved_usd"], r["spent_usd"]) for r in rows}


async def test_a_call_is_reserved_then_settled_at_what_was_charged(database: Database) -> None:
    store, tenant = LedgerStore(database), uuid4()
    reserved = a_reservation(tenant, "0.5")
    await store.reserve(reserved)
    during = await spending(database)
    charge = Charge(units=900, usd=Decimal("0.45"), request_id="req_1")
    await store.end(reserved.call_id, CallState.SETTLED, charge)

    places = [(who, period.value) for who in (ALL_TENANTS, tenant) for period in Period]
    assert during == {place: (Decimal("0.5"), NOTHING) for place in places}
    assert await spending(database) == {place: (NOTHING, Decimal("0.45")) for place in places}
    [usage] = await store.usage(tenant, since=TODAY(), before=TODAY() + timedelta(days=1))
    assert (usage.calls, usage.units, usage.usd) == (1, 900, Decimal("0.45"))
    assert usage.operation is Operation.EMBED


@pytest.mark.parametrize(
    ("state", "spent"), [(CallState.RELEASED, "0"), (CallState.UNKNOWN, "0.01")]
)
async def test_a_call_that_was_not_made_is_free_and_a_lost_one_is_not(
    database: Database, state: CallState, spent: str
) -> None:
    store, tenant = LedgerStore(database), uuid4()
    reserved = a_reservation(tenant)
    await store.reserve(reserved)
    await store.end(reserved.call_id, state, Charge(error_code="x"))

    assert (await spending(database))[tenant, "day"] == (NOTHING, Decimal(spent))


async def test_a_call_ends_once(database: Database) -> None:
    store, tenant = LedgerStore(database), uuid4()
    reserved = a_reservation(tenant)
    await store.reserve(reserved)
    for state in (CallState.SETTLED, CallState.SETTLED, CallState.RELEASED):
        await store.end(reserved.call_id, state, Charge(usd=Decimal("0.02")))

    assert (await spending(database))[tenant, "month"] == (NOTHING, Decimal("0.02"))


@pytest.mark.parametrize("period", list(Period))
@pytest.mark.parametrize("who", ["tenant", "everybody"])
async def test_no_concurrency_overruns_a_hard_budget(
    database: Database, period: Period, who: str
) -> None:
    store, tenants = LedgerStore(database), [uuid4(), uuid4()]
    bounded = tenants[0] if who == "tenant" else ALL_TENANTS
    await store.set_budget(bounded, period, soft=None, hard=Decimal("0.10"))

    async def buy(tenant: UUID) -> bool:
        try:
            await store.reserve(a_reservation(tenant))
        except BudgetExhausted:
            return False
        return True

    bought = await asyncio.gather(*(buy(tenants[n % 2]) for n in range(60)))

    used = await spending(database)
    assert used[bounded, period][0] == Decimal("0.10")
    assert sum(bought) == (10 + 30 if who == "tenant" else 10)


async def test_a_full_budget_says_which_and_goes_on_when_it_is_raised(database: Database) -> None:
    store, tenant = LedgerStore(database), uuid4()
    await store.set_budget(tenant, Period.DAY, soft=None, hard=Decimal("0.005"))
    with pytest.raises(BudgetExhausted, match=r"the tenant's budget of 0\.005 USD a day"):
        await store.reserve(a_reservation(tenant))

    await store.set_budget(tenant, Period.DAY, soft=None, hard=Decimal("0.01"))
    await store.reserve(a_reservation(tenant))

    [budget] = await store.budgets([tenant])
    assert (budget.hard_usd, budget.used_usd) == (Decimal("0.01"), Decimal("0.01"))
    assert await store.remove_budget(tenant, Period.DAY)
    assert not await store.remove_budget(tenant, Period.DAY)
    await store.reserve(a_reservation(tenant, "100"))


async def test_what_a_dead_process_reserved_ends_with_its_lease(database: Database) -> None:
    store, tenant = LedgerStore(database), uuid4()
    dead = a_reservation(tenant, lasts=timedelta(seconds=-1))
    alive = a_reservation(tenant)
    await store.reserve(dead)
    await store.reserve(alive)

    assert await store.expire() == 1
    assert await store.expire() == 0

    assert (await spending(database))[tenant, "day"] == (Decimal("0.01"), Decimal("0.01"))
    await store.end(dead.call_id, CallState.SETTLED, Charge(usd=Decimal(0)))
    assert (await spending(database))[tenant, "day"] == (Decimal("0.01"), Decimal("0.01"))


async def test_reserving_and_ending_at_once_from_many_tenants_balances(database: Database) -> None:
    store, tenants = LedgerStore(database), [uuid4() for _ in range(5)]

    async def call(number: int) -> None:
        reserved = a_reservation(tenants[number % 5])
        await store.reserve(reserved)
        await store.end(reserved.call_id, CallState.SETTLED, Charge(usd=Decimal("0.004")))

    await asyncio.gather(*(call(number) for number in range(200)))

    used = await spending(database)
    assert used[ALL_TENANTS, "day"] == (NOTHING, Decimal("0.8"))
    assert all(used[tenant, "day"] == (NOTHING, Decimal("0.16")) for tenant in tenants)
    balance = "SELECT sum(usd) AS usd FROM upload_pipeline.provider_calls"
    [row] = await builders.fetch(database, balance)
    assert row["usd"] == Decimal("0.8")


async def test_tenants_see_their_own_usage(database: Database) -> None:
    store, one, other = LedgerStore(database), uuid4(), uuid4()
    for tenant in (one, one, other):
        reserved = a_reservation(tenant)
        await store.reserve(reserved)
        await store.end(reserved.call_id, CallState.SETTLED, Charge(units=10))
    tomorrow = TODAY() + timedelta(days=1)

    [own] = await store.usage(one, since=TODAY(), before=tomorrow)
    [everything] = await store.usage(None, since=TODAY(), before=tomorrow)

    assert (own.calls, own.units) == (2, 20)
    assert everything.calls == 3
    assert await store.usage(one, since=TODAY() - timedelta(days=9), before=TODAY()) == []
