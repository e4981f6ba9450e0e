"""``ingest usage`` and ``ingest budget``."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ingest.cli.database import with_database
from ingest.cli.failures import CommandFailed, WrongUsage
from ingest.cli.options import JsonOption, KeyOption, UrlOption
from ingest.cli.output import Json
from ingest.cli.process import run_async

if TYPE_CHECKING:
    from ingest.adapters.postgres.pool import Database
    from ingest.domain.money import Period

budget = typer.Typer(help="Limit what may be spent at providers.", no_args_is_help=False)
_Tenant = Annotated[
    str | None,
    typer.Option(help="Whose budget: a tenant's name or UUID; without it, everybody's together."),
]
_Period = Annotated[str, typer.Option(help="day or month, both UTC's.")]


def usage(
    days: Annotated[
        int, typer.Option(metavar="N", min=1, max=366, help="Today and the days before it.")
    ] = 30,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what providers charged for this tenant's documents and searches."""
    from ingest.cli.connecting import open_gateway
    from ingest.cli.output import console, emit_json

    async def ask() -> Json:
        async with open_gateway(url, key) as gateway:
            return await gateway.get("/v1/usage", days=days)

    answer = run_async(ask())
    if as_json:
        emit_json(answer)
    elif not answer["usage"]:
        typer.echo(f"no provider was called within {days} days")
    else:
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
        typer.Option(metavar="USD", help="Over it nothing is bought; jobs wait."),
    ] = None,
    soft: Annotated[
        str | None, typer.Option(metavar="USD", help="Over it a warning is given.")
    ] = None,
    tenant: _Tenant = None,
    period: _Period = "day",
    as_json: JsonOption = False,
) -> None:
    """Set a budget. Jobs that wait for it look again at once."""
    from ingest.adapters.postgres.ledger_store import LedgerStore
    from ingest.cli.output import emit_json

    if hard is None and soft is None:
        raise WrongUsage("give --hard USD, --soft USD or both; 'ingest budget remove' lifts both")
    limits = {"soft": _usd("--soft", soft), "hard": _usd("--hard", hard)}
    payer, when = _payer(tenant), _known_period(period)

    async def put(database: "Database") -> None:
        await LedgerStore(database).set_budget(payer, when, **limits)
        await _hasten(database, payer)

    with_database(put)
    if as_json:
        emit_json({"tenant": tenant, "period": period, "soft_usd": soft, "hard_usd": hard})
    else:
        typer.echo(f"budget of {tenant or 'everybody'} a {period} set")


@budget.command()
def remove(tenant: _Tenant = None, period: _Period = "day", as_json: JsonOption = False) -> None:
    """Lift a budget. Jobs that wait for it look again at once."""
    from ingest.adapters.postgres.ledger_store import LedgerStore
    from ingest.cli.output import emit_json

    payer, when = _payer(tenant), _known_period(period)

    async def lift(database: "Database") -> bool:
        removed = await LedgerStore(database).remove_budget(payer, when)
        await _hasten(database, payer)
        return removed

    if not with_database(lift):
        raise CommandFailed(f"{tenant or 'everybody'} has no budget a {period}")
    if as_json:
        emit_json({"tenant": tenant, "period": period, "removed": True})
    else:
        typer.echo(f"budget of {tenant or 'everybody'} a {period} removed")


@budget.command(name="list")
def list_budgets(as_json: JsonOption = False) -> None:
    """Show all budgets, and what is used of them in the present day or month."""
    from dataclasses import asdict

    from ingest.adapters.postgres.ledger_store import LedgerStore
    from ingest.cli.output import console, emit_json, money, table
    from ingest.domain.money import EVERYBODY

    found = with_database(lambda database: LedgerStore(database).budgets())
    if as_json:
        emit_json([asdict(view) | {"used_usd": view.used_usd} for view in found])
        return
    if not found:
        typer.echo("no budgets; 'ingest budget set --hard USD' sets one for everybody")
        return
    rows = [
        [
            "everybody" if view.user_id == EVERYBODY else view.user_id,
            view.period.value,
            None if view.soft_usd is None else money(view.soft_usd),
            None if view.hard_usd is None else money(view.hard_usd),
            money(view.used_usd),
        ]
        for view in found
    ]
    columns = ["tenant", "period", "soft", "hard", "used"]
    console().print(table(columns, rows, right=columns[2:], whole=columns[:1]))


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
    from ingest.domain.money import Period

    known = [member.value for member in Period]
    if period not in known:
        raise WrongUsage(f"--period must be {' or '.join(known)}, not {period!r}")
    return Period(period)


def _payer(tenant: str | None) -> UUID:
    from ingest.domain.identity import tenant_id
    from ingest.domain.money import EVERYBODY

    return EVERYBODY if tenant is None else tenant_id(tenant)


async def _hasten(database: "Database", payer: UUID) -> None:
    from ingest.adapters.postgres.job_store import JobStore
    from ingest.domain.job import WaitReason
    from ingest.domain.money import EVERYBODY

    await JobStore(database).hasten(WaitReason.BUDGET, None if payer == EVERYBODY else payer)
