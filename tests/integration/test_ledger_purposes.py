"""The sums of ingestion and of search: each bounded by its own budgets, at any concurrency."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.domain.errors import BudgetExhausted, InvalidRequest
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import Lane
from ingest.domain.pricing import (
    CallState,
    Charge,
    Operation,
    Payer,
    Period,
    Purpose,
    Reservation,
)
from tests import builders

SEARCH, INGESTION = Purpose.SEARCH, Purpose.INGESTION


def a_reservation(tenant: UUID, operation: Operation, usd: str = "0.01") -> Reservation:
    return Reservation(
        call_id=uuid4(),
        payer=Payer(tenant, Lane.INTERACTIVE, operation),
        provider="openai",
        model="text-embedding-3-small",
        key_fingerprint="12345678",
        units=1000,
        usd=Decimal(usd),
        lasts=timedelta(minutes=5),
    )


NOTHING = Decimal(0)


async def sums(
    database: Database, purpose: Purpose
) -> dict[tuple[UUID, str], tuple[Decimal, Decimal]]:
    query = "SELECT * FROM upload_pipeline.spending WHERE purpose = $1"
    rows = await builders.fetch(database, query, purpose)
    return {(r["tenant_id"], r["period"]): (r["reserved_usd"], r["spent_usd"]) for r in rows}


@pytest.mark.parametrize("period", list(Period))
@pytest.mark.parametrize("who", ["tenant", "everybody"])
async def test_no_concurrency_overruns_a_hard_budget_of_either_purpose(
    database: Database, period: Period, who: str
) -> None:
    store, tenants = LedgerStore(database), [uuid4(), uuid4()]
    bounded = tenants[0] if who == "tenant" else ALL_TENANTS
    limits = {INGESTION: Decimal("0.10"), SEARCH: Decimal("0.07")}
    for purpose, hard in limits.items():
        await store.set_budget(bounded, period, soft=None, hard=hard, purpose=purpose)

    async def buy(tenant: UUID, operation: Operation) -> bool:
        try:
            await store.reserve(a_reservation(tenant, operation))
        except BudgetExhausted:
            return False
        return True

    operations = (Operation.EMBED, Operation.SEARCH, Operation.PARSE, Operation.SEARCH)
    calls = [(tenants[n % 2], operations[n // 2 % 4]) for n in range(120)]
    bought = await asyncio.gather(*(buy(*call) for call in calls))

    granted = {INGESTION: 0, SEARCH: 0}
    for (_, operation), done in zip(calls, bought, strict=True):
        granted[SEARCH if operation is Operation.SEARCH else INGESTION] += done
    free = 30 if who == "tenant" else 0
    assert granted == {INGESTION: 10 + free, SEARCH: 7 + free}
    assert (await sums(database, INGESTION))[bounded, period][0] == limits[INGESTION]
    assert (await sums(database, SEARCH))[bounded, period][0] == limits[SEARCH]


async def test_calls_of_both_purposes_end_in_their_own_sums(database: Database) -> None:
    store, tenants = LedgerStore(database), [uuid4() for _ in range(3)]

    async def call(number: int) -> None:
        operation = Operation.SEARCH if number % 2 else Operation.EMBED
        reserved = a_reservation(tenants[number % 3], operation)
        await store.reserve(reserved)
        usd = Decimal("0.002" if number % 2 else "0.004")
        await store.end(reserved.call_id, CallState.SETTLED, Charge(usd=usd))

    await asyncio.gather(*(call(number) for number in range(120)))

    used = {purpose: await sums(database, purpose) for purpose in Purpose}
    assert used[INGESTION][ALL_TENANTS, "day"] == (NOTHING, Decimal("0.24"))
    assert used[SEARCH][ALL_TENANTS, "day"] == (NOTHING, Decimal("0.12"))
    assert all(used[INGESTION][one, "month"] == (NOTHING, Decimal("0.08")) for one in tenants)
    assert all(used[SEARCH][one, "month"] == (NOTHING, Decimal("0.04")) for one in tenants)


async def test_a_question_does_not_wait_for_a_row_that_ingestion_has_locked(
    database: Database,
) -> None:
    store, tenant = LedgerStore(database), uuid4()
    await store.reserve(a_reservation(tenant, Operation.EMBED))
    async with database.transaction() as connection:
        await connection.execute("SELECT 1 FROM upload_pipeline.spending FOR UPDATE")
        await asyncio.wait_for(store.reserve(a_reservation(tenant, Operation.SEARCH)), 30)

    assert (await sums(database, SEARCH))[tenant, "day"][0] == Decimal("0.01")


async def test_a_question_of_before_the_split_ends_in_the_sums_it_was_reserved_in(
    database: Database,
) -> None:
    store, tenant = LedgerStore(database), uuid4()
    old = a_reservation(tenant, Operation.EMBED, "0.5")
    await store.reserve(old)
    await builders.execute(
        database, "UPDATE upload_pipeline.provider_calls SET operation = 'search'"
    )

    await store.end(old.call_id, CallState.SETTLED, Charge(usd=Decimal("0.25")))

    assert (await sums(database, INGESTION))[tenant, "day"] == (NOTHING, Decimal("0.25"))
    assert await sums(database, SEARCH) == {}


async def test_the_soft_limit_is_not_over_the_hard_one(database: Database) -> None:
    store, tenant = LedgerStore(database), uuid4()
    for purpose in Purpose:
        with pytest.raises(InvalidRequest, match="20 USD, is over the hard limit, 10 USD"):
            await store.set_budget(
                tenant, Period.DAY, soft=Decimal(20), hard=Decimal(10), purpose=purpose
            )
        await store.set_budget(
            tenant, Period.DAY, soft=Decimal(10), hard=Decimal(10), purpose=purpose
        )

    assert len(await store.budgets([tenant])) == 2
