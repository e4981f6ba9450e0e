"""What documents cost, what was charged, and what may be spent: commands and routes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.domain.attempt import Settlement
from ingest.domain.errors import BudgetExhausted
from ingest.domain.identity import LOCAL_TENANT
from ingest.domain.job import JobState, Lane, WaitReason
from ingest.domain.pricing import CallState, Charge, Operation, Payer, Period, Reservation
from tests import builders, samples
from tests.integration.cli_system import gateway, ingest
from tests.integration.gateway import a_settings

MINUTE = timedelta(minutes=1)


def a_call(tenant: UUID, usd: str, units: int = 1000) -> Reservation:
    return Reservation(
        call_id=uuid4(),
        payer=Payer(tenant, Lane.INTERACTIVE, Operation.EMBED),
        provider="openai",
        model="text-embedding-3-small",
        key_fingerprint="0" * 8,
        units=units,
        usd=Decimal(usd),
        lasts=MINUTE,
    )


async def spend(database: Database, tenant: UUID, usd: str) -> None:
    ledger, call = LedgerStore(database), a_call(tenant, usd)
    await ledger.reserve(call)
    await ledger.end(call.call_id, CallState.SETTLED, Charge(units=900, usd=Decimal(usd)))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "tides.pdf").write_bytes(samples.pdf(["Tides\nHigh water is at noon.", "Berths"]))
    (folder / "scan.pdf").write_bytes(samples.pdf(["", "", ""]))
    (folder / "note.txt").write_text("The pilot boards at the outer buoy.")
    (folder / "song.mp3").write_bytes(samples.mp3())
    return folder


def estimate(files: Path, *options: str) -> dict[str, Any]:
    figures: dict[str, Any] = ingest("estimate", str(files), "--json", *options).json()
    return figures


def test_an_estimate_knows_documents_pages_tokens_and_money(files: Path) -> None:
    local = estimate(files)
    asked = estimate(files, "--parser", "llamaparse", "--embedder", "openai")
    auto = estimate(files, "--parser", "auto", "--tier", "agentic")

    assert (local["documents"], local["rejected"]) == (2, {"document_empty": 1})
    assert (Decimal(str(local["usd"])), local["skipped"]) == (Decimal(0), {"unsupported type": 1})
    assert (asked["documents"], asked["pages"], asked["credits"]) == (3, 6, 18)
    assert Decimal(str(asked["parse_usd"])) == 18 * Decimal("0.00125")
    assert Decimal(str(asked["usd"])) > Decimal(str(asked["parse_usd"]))
    assert (auto["provider_documents"], auto["credits"]) == (1, 30)


def test_an_estimate_for_people_and_its_exit_code(files: Path) -> None:
    rejected = ingest("estimate", str(files))
    fine = ingest("upload", "--dry-run", str(files / "note.txt"))
    wrong = ingest("estimate", str(files), "--tier", "golden")

    assert (rejected.code, fine.code, wrong.code) == (1, 0, 2)
    assert "1 document_empty" in rejected.out
    assert "at most    $0.00" in fine.out
    assert "cost_effective" in wrong.err
    assert max(len(line) for line in rejected.out.splitlines()) <= 80


@contextmanager
def waiting_job(database_url: str, tenant: UUID) -> Iterator[UUID]:
    """A job that waits for a budget, and looks again in an hour."""

    async def prepare() -> UUID:
        database = Database(database_url)
        await builders.accept(database, builders.an_arrival(tenant))
        [job] = await builders.claim(database)
        waits = Settlement(
            JobState.WAITING,
            BudgetExhausted(),
            delay=timedelta(hours=1),
            wait_reason=WaitReason.BUDGET,
            wait_at_most=timedelta(days=1),
        )
        assert await JobStore(database).settle(job.lease, waits)
        await database.close()
        return job.lease.job_id

    yield asyncio.run(prepare())


def woken(database_url: str) -> int:
    async def wake() -> int:
        database = Database(database_url)
        try:
            return await JobStore(database).wake(WaitReason.BUDGET, limit=10)
        finally:
            await database.close()

    return asyncio.run(wake())


def test_a_budget_is_set_shown_raised_and_removed(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    empty = ingest("budget", "list", **where)
    ingest("budget", "set", "--hard", "10", "--soft", "7.5", "--period", "month", **where)
    ingest("budget", "set", "--hard", "0", "--tenant", "acme", "--create-tenant", **where)
    shown = ingest("budget", "list", **where)
    listed = ingest("budget", "list", "--json", **where).json()
    gone = ingest("budget", "remove", "--tenant", "acme", **where)
    again = ingest("budget", "remove", "--tenant", "acme", **where)

    assert "no budgets" in empty.out
    assert "all tenants" in shown.out
    assert "$7.50" in shown.out
    assert [(row["period"], row["hard_usd"]) for row in listed] == [
        ("month", "10"),
        ("day", "0"),
    ]
    assert (gone.code, again.code) == (0, 1)


def test_a_budget_of_search_stands_beside_that_of_ingestion(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    common = ingest("budget", "set", "--hard", "50", "--soft", "0.00000008", **where)
    ours = ("--for", "search", "--tenant", "acme", "--period", "month")
    search = ingest("budget", "set", "--hard", "2", "--create-tenant", *ours, **where)
    listed = ingest("budget", "list", "--json", **where).json()
    shown = ingest("budget", "list", **where)
    wrong = ingest("budget", "set", "--hard", "2", "--for", "chat", **where)
    gone = ingest("budget", "remove", *ours, **where)
    again = ingest("budget", "remove", *ours, **where)

    assert common.out == "Daily budget for all tenants: $0.00000008 soft, $50.00 hard\n"
    assert search.out == "Monthly search budget for tenant acme: $2.00 hard\n"
    assert [(row["purpose"], row["period"], row["soft_usd"]) for row in listed] == [
        ("ingestion", "day", "0.00000008"),
        ("search", "month", None),
    ]
    assert "search" in shown.out
    assert (wrong.code, gone.code, again.code) == (2, 0, 1)
    assert "--for must be ingestion or search" in wrong.err


def test_a_soft_limit_over_the_hard_one_is_refused(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    refused = ingest("budget", "set", "--soft", "20", "--hard", "10", **where)
    equal = ingest("budget", "set", "--soft", "10", "--hard", "10", **where)

    assert (refused.code, equal.code) == (2, 0)
    assert "soft limit, 20 USD, is over the hard limit, 10 USD" in " ".join(refused.err.split())


@pytest.mark.parametrize("command", [("set", "--hard", "5"), ("remove",)])
def test_jobs_that_wait_for_a_budget_go_on_when_it_is_raised(
    database_url: str, command: tuple[str, ...]
) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    tenant = builders.a_tenant()
    ingest("budget", "set", "--hard", "0", "--tenant", tenant, "--create-tenant", **where)
    with waiting_job(database_url, tenant):
        before = woken(database_url)
        raised = ingest("budget", *command, "--tenant", str(tenant), **where)

        assert raised.code == 0
        assert (before, woken(database_url)) == (0, 1)


@pytest.mark.parametrize("amount", ["-1", "nan", "inf", "a lot", "1e9"])
def test_a_budget_that_is_no_amount_is_refused(database_url: str, amount: str) -> None:
    outcome = ingest("budget", "set", f"--hard={amount}", INGEST_DATABASE_URL=database_url)

    assert outcome.code == 2
    assert "--hard must be an amount" in outcome.err


def test_usage_and_budgets_show_a_tenant_its_own(database_url: str, tmp_path: Path) -> None:
    async def spend_some() -> None:
        database = Database(database_url)
        ledger, other = LedgerStore(database), uuid4()
        for tenant, usd in ((LOCAL_TENANT, "0.25"), (LOCAL_TENANT, "0.50"), (other, "3")):
            await spend(database, tenant, usd)
        await ledger.set_budget(LOCAL_TENANT, Period.DAY, soft=Decimal("0.5"), hard=Decimal(9))
        await ledger.set_budget(other, Period.DAY, soft=None, hard=Decimal(0))
        await database.close()

    with gateway(a_settings(database_url, tmp_path)) as url:
        before = ingest("usage", "--url", url)
        asyncio.run(spend_some())
        usage = ingest("usage", "--url", url)
        as_json = ingest("usage", "--json", "--url", url).json()
        budgets = httpx.get(f"{url}/v1/budgets").json()
        ready = httpx.get(f"{url}/readyz").json()
        metrics = httpx.get(f"{url}/metrics").text

    assert "no provider was called" in before.out
    assert "$0.7500" in usage.out
    assert (as_json["usd"], as_json["usage"][0]["units"]) == ("0.75", 1800)
    [mine] = budgets["budgets"]
    assert (mine["spent_usd"], mine["over_soft"], mine["exhausted"]) == ("0.75", True, False)
    assert budgets["common_exhausted"] is False
    assert ready["budgets"] == {"set": 2, "over_soft": 1, "exhausted": 1}
    assert 'ingest_budgets{state="exhausted"} 1.0' in metrics
