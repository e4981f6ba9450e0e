"""``ingest usage`` and ``ingest budget``."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ingest.cli.commands.keys import with_database
from ingest.cli.exit_codes import CommandFailed, WrongUsage
from ingest.cli.options import CreateTenantOption, JsonOption, KeyOption, UrlOption
from ingest.cli.output import Json
from ingest.cli.process import run_async
from ingest.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from ingest.adapters.postgres.pool import Database
    from ingest.domain.pricing import Period, Purpose
    from ingest.domain.tenant import Tenant

budget = typer.Typer(help="Limit the spending at providers.", no_args_is_help=False)
_Tenant = Annotated[
    str | None,
    typer.Option(
        help="The tenant's name or UUID; without it, the budget is for all tenants together."
    ),
]
_Period = Annotated[str, typer.Option(help="day or month, in UTC.")]
_For = Annotated[
    str,
    typer.Option(
        "--for",
        help="The spending that it limits: ingestion, or search (the embedding of questions).",
    ),
]


def usage(
    days: Annotated[
        int, typer.Option(metavar="N", min=1, max=366, help="Number of days, today included.")
    ] = 30,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the providers' charges for this tenant's documents and searches."""
    from ingest.cli.client.connect import connect
    from ingest.cli.output import console, emit_json

    async def ask() -> Json:
        async with connect(url, key) as gateway:
            return await gateway.get("/v1/usage", days=days)

    answer = run_async(ask())
    if as_json:
        emit_json(answer)
        return
    whose = answer.get("tenant_name") or answer.get("tenant_id")
    if not answer["usage"]:
        of = f" for {whose}" if whose else ""
        typer.echo(f"no provider was called{of} within {days} days")
    else:
        if whose:
            typer.echo(f"tenant {whose}")
        console().print(_usage_table(answer))


def _usage_table(answer: Json) -> object:
    from ingest.cli.output import money, table

    rows = [
        [
            row["day"],
            f"{row['provider']} {row['model']}",
            row["operation"],
            f"{row['calls'] + row['unknown_calls']:,}",
            f"{row['units']:,}",
            money(Decimal(row["usd"])),
        ]
        for row in answer["usage"]
    ]
    rows.append(["total", "", "", "", "", money(Decimal(answer["usd"]))])
    columns = ["day", "provider", "for", "calls", "tokens or credits", "cost"]
    return table(columns, rows, right=["calls", "tokens or credits", "cost"], whole=["day"])


@budget.callback(invoke_without_command=True)
def _budget(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@budget.command(name="set")
def set_budget(
    hard: Annotated[
        str | None,
        typer.Option(
            metavar="USD",
            help="Above this amount nothing is bought: jobs wait, search answers 402.",
        ),
    ] = None,
    soft: Annotated[
        str | None, typer.Option(metavar="USD", help="Above this amount a warning is logged.")
    ] = None,
    tenant: _Tenant = None,
    create_tenant: CreateTenantOption = False,
    period: _Period = "day",
    purpose: _For = "ingestion",
    as_json: JsonOption = False,
) -> None:
    """Set a budget. Waiting jobs check it again at once."""
    from ingest.adapters.postgres.providers.ledger_store import LedgerStore
    from ingest.cli.output import emit_json, money
    from ingest.domain.pricing import ensure_limits

    if hard is None and soft is None:
        raise WrongUsage("give --hard USD, --soft USD or both; 'ingest budget remove' removes both")
    least, most = _usd("--soft", soft), _usd("--hard", hard)
    when, bounded = _known_period(period), _known_purpose(purpose)
    try:
        ensure_limits(soft=least, hard=most)
    except InvalidRequest as exc:
        raise WrongUsage(exc.message) from None

    async def put(database: "Database") -> "Tenant":
        payer, store = await _payer(database, tenant, create=create_tenant), LedgerStore(database)
        await store.set_budget(payer.tenant_id, when, soft=least, hard=most, purpose=bounded)
        await _hasten(database, payer.tenant_id, bounded)
        return payer

    payer = with_database(put)
    if as_json:
        known = {"tenant": tenant, "tenant_id": payer.tenant_id, "purpose": bounded.value}
        emit_json(known | {"period": period, "soft_usd": least, "hard_usd": most})
    else:
        limits = [
            f"{money(usd)} {name}"
            for usd, name in ((least, "soft"), (most, "hard"))
            if usd is not None
        ]
        typer.echo(f"{_title(payer, when, bounded)}: {', '.join(limits)}")


@budget.command()
def remove(
    tenant: _Tenant = None,
    period: _Period = "day",
    purpose: _For = "ingestion",
    as_json: JsonOption = False,
) -> None:
    """Remove a budget. Waiting jobs check the others again at once."""
    from ingest.adapters.postgres.providers.ledger_store import LedgerStore
    from ingest.cli.output import emit_json

    when, bounded = _known_period(period), _known_purpose(purpose)

    async def lift(database: "Database") -> "Tenant":
        payer = await _payer(database, tenant)
        removed = await LedgerStore(database).remove_budget(payer.tenant_id, when, purpose=bounded)
        await _hasten(database, payer.tenant_id, bounded)
        if not removed:
            raise CommandFailed(
                f"there is no such budget: {_title(payer, when, bounded)}; 'ingest budget list' "
                "shows all"
            )
        return payer

    payer = with_database(lift)
    if as_json:
        known = {"tenant": tenant, "tenant_id": payer.tenant_id, "purpose": bounded.value}
        emit_json(known | {"period": period, "removed": True})
    else:
        typer.echo(f"{_title(payer, when, bounded)}: removed")


@budget.command(name="list")
def list_budgets(as_json: JsonOption = False) -> None:
    """Show all budgets, and the amount used in the present day or month."""
    from dataclasses import asdict

    from ingest.adapters.postgres.admin.tenant_store import TenantStore
    from ingest.adapters.postgres.providers.ledger_store import Budget, LedgerStore
    from ingest.cli.output import console, emit_json, money, table
    from ingest.domain.identity import ALL_TENANTS
    from ingest.domain.tenant import Names

    async def read(database: "Database") -> tuple[list[Budget], Names]:
        budgets = await LedgerStore(database).budgets()
        return budgets, await TenantStore(database).names({view.tenant_id for view in budgets})

    found, names = with_database(read)
    if as_json:
        emit_json(
            [
                asdict(view) | {"tenant_name": names.get(view.tenant_id), "used_usd": view.used_usd}
                for view in found
            ]
        )
        return
    if not found:
        typer.echo("no budgets; 'ingest budget set --hard USD' sets one for all tenants")
        return
    rows = [
        [
            "all tenants" if view.tenant_id == ALL_TENANTS else names.label(view.tenant_id),
            view.purpose.value,
            view.period.value,
            None if view.soft_usd is None else money(view.soft_usd),
            None if view.hard_usd is None else money(view.hard_usd),
            money(view.used_usd),
        ]
        for view in found
    ]
    columns = ["tenant", "for", "period", "soft", "hard", "used"]
    console().print(table(columns, rows, right=columns[3:]))


def _usd(option: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except ArithmeticError:
        amount = Decimal(-1)
    if not (amount.is_finite() and 0 <= amount < 10**7):
        raise WrongUsage(f"{option} must be an amount in US dollars, 0 or more, not {text!r}")
    return amount


def _known_period(period: str) -> "Period":
    from ingest.domain.pricing import Period

    known = [member.value for member in Period]
    if period not in known:
        raise WrongUsage(f"--period must be {' or '.join(known)}, not {period!r}")
    return Period(period)


def _known_purpose(purpose: str) -> "Purpose":
    from ingest.domain.pricing import Purpose

    known = [member.value for member in Purpose]
    if purpose not in known:
        raise WrongUsage(f"--for must be {' or '.join(known)}, not {purpose!r}")
    return Purpose(purpose)


def _title(payer: "Tenant", period: "Period", purpose: "Purpose") -> str:
    """A budget's name, e.g. ``Daily search budget for tenant acme``."""
    from ingest.domain.identity import ALL_TENANTS
    from ingest.domain.pricing import Period, Purpose

    often = "Daily" if period is Period.DAY else "Monthly"
    what = "search budget" if purpose is Purpose.SEARCH else "budget"
    whose = payer.label if payer.tenant_id == ALL_TENANTS else f"tenant {payer.label}"
    return f"{often} {what} for {whose}"


async def _payer(
    database: "Database", tenant: str | None, *, create: bool | None = None
) -> "Tenant":
    from ingest.cli.system.tenants import existing
    from ingest.domain.identity import ALL_TENANTS
    from ingest.domain.tenant import Tenant

    if tenant is None:
        return Tenant(ALL_TENANTS, "all tenants")
    return await existing(database, tenant, create=create)


async def _hasten(database: "Database", payer: UUID, purpose: "Purpose") -> None:
    from ingest.adapters.postgres.jobs.job_store import JobStore
    from ingest.domain.identity import ALL_TENANTS
    from ingest.domain.job import WaitReason
    from ingest.domain.pricing import Purpose

    if purpose is Purpose.INGESTION:  # no job waits for another one
        await JobStore(database).hasten(WaitReason.BUDGET, None if payer == ALL_TENANTS else payer)
