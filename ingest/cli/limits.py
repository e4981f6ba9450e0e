"""``ingest limits``: what each tenant may use."""

from typing import Annotated
from uuid import UUID

import typer

from ingest.cli.database import with_database
from ingest.cli.failures import CommandFailed, WrongUsage
from ingest.cli.options import JsonOption

limits = typer.Typer(help="Limit what a tenant may use.", no_args_is_help=False)
_Tenant = Annotated[
    str | None,
    typer.Option(
        help="A tenant's name or UUID; without it, the default for tenants without their own."
    ),
]
_COLUMNS = ("active_jobs", "uploads_per_day", "bytes_per_day", "searches_per_minute")


@limits.callback(invoke_without_command=True)
def _limits(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@limits.command(name="set")
def set_limits(
    active_jobs: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Most jobs that have not ended.")
    ] = None,
    uploads_per_day: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Most uploads from midnight on, UTC.")
    ] = None,
    bytes_per_day: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Most bytes of them together.")
    ] = None,
    searches_per_minute: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Most searches, by all gateways.")
    ] = None,
    tenant: _Tenant = None,
    as_json: JsonOption = False,
) -> None:
    """Replace all limits of a tenant, or the default; what is not named is not limited.

    They hold from the next request on. Over a limit, an upload or a search gets 429 and the time
    after which it can be repeated.
    """
    from dataclasses import asdict

    from ingest.adapters.postgres.limit_store import LimitStore
    from ingest.cli.output import emit_json
    from ingest.domain.limits import TenantLimits

    wanted = TenantLimits(active_jobs, uploads_per_day, bytes_per_day, searches_per_minute)
    if wanted == TenantLimits():
        raise WrongUsage("name at least one limit; 'ingest limits remove' lifts all of them")
    user_id = _whose(tenant)
    with_database(lambda database: LimitStore(database).set(user_id, wanted))
    if as_json:
        emit_json({"tenant": tenant} | asdict(wanted))
    else:
        typer.echo(f"{_named(tenant)} set")


@limits.command()
def remove(tenant: _Tenant = None, as_json: JsonOption = False) -> None:
    """Remove the limits of a tenant, which has the default then; or remove the default."""
    from ingest.adapters.postgres.limit_store import LimitStore
    from ingest.cli.output import emit_json

    user_id = _whose(tenant)
    if not with_database(lambda database: LimitStore(database).remove(user_id)):
        raise CommandFailed(f"there are no {_named(tenant)}")
    if as_json:
        emit_json({"tenant": tenant, "removed": True})
    else:
        typer.echo(f"{_named(tenant)} removed")


@limits.command(name="list")
def list_limits(as_json: JsonOption = False) -> None:
    """Show all limits; a tenant sees its own, and what it uses, at /v1/limits."""
    from dataclasses import asdict

    from ingest.adapters.postgres.limit_store import LimitStore
    from ingest.cli.output import console, emit_json, table
    from ingest.domain.identity import EACH

    found = with_database(lambda database: LimitStore(database).list_all())
    if as_json:
        emit_json([{"user_id": user_id} | asdict(most) for user_id, most in found.items()])
        return
    if not found:
        typer.echo("no limits; 'ingest limits set --active-jobs N' sets a default for all tenants")
        return
    rows = [
        [
            "default" if user_id == EACH else user_id,
            *(None if value is None else f"{value:,}" for value in asdict(most).values()),
        ]
        for user_id, most in found.items()
    ]
    columns = ["tenant", *(name.replace("_", " ") for name in _COLUMNS)]
    console().print(table(columns, rows, right=columns[1:], whole=columns[:1]))


def _named(tenant: str | None) -> str:
    return f"limits of {tenant}" if tenant else "default limits"


def _whose(tenant: str | None) -> UUID:
    from ingest.domain.identity import EACH, tenant_id

    return EACH if tenant is None else tenant_id(tenant)
