"""``ingest limits``: limits the jobs, uploads and searches of each tenant."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ingest.cli.commands.keys import with_database
from ingest.cli.exit_codes import CommandFailed, WrongUsage
from ingest.cli.options import CreateTenantOption, JsonOption

if TYPE_CHECKING:
    from ingest.adapters.postgres.pool import Database
    from ingest.domain.tenant import Tenant

limits = typer.Typer(
    help="Limit the jobs, uploads and searches of a tenant.", no_args_is_help=False
)
_Tenant = Annotated[
    str | None,
    typer.Option(
        help="A tenant's name or UUID; without it, the default for tenants without their own."
    ),
]
_DEFAULT = "default"
_COLUMNS = ("active_jobs", "uploads_per_day", "bytes_per_day", "searches_per_minute")


@limits.callback(invoke_without_command=True)
def _limits(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@limits.command(name="set")
def set_limits(
    active_jobs: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="At most N unfinished jobs.")
    ] = None,
    uploads_per_day: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="At most N uploads a day, in UTC.")
    ] = None,
    bytes_per_day: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="At most N uploaded bytes a day, in UTC.")
    ] = None,
    searches_per_minute: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="At most N searches, over all gateways.")
    ] = None,
    tenant: _Tenant = None,
    create_tenant: CreateTenantOption = False,
    as_json: JsonOption = False,
) -> None:
    """Replace all limits of a tenant, or the default; an option that is left out removes its limit.

    New limits hold from the next request on. An upload or a search above a limit gets 429 and
    the time after which it can be repeated.
    """
    from dataclasses import asdict

    from ingest.adapters.postgres.jobs.limit_store import LimitStore
    from ingest.cli.output import emit_json
    from ingest.domain.tenant_limits import TenantLimits

    wanted = TenantLimits(active_jobs, uploads_per_day, bytes_per_day, searches_per_minute)
    if wanted == TenantLimits():
        raise WrongUsage("name at least one limit; 'ingest limits remove' removes all of them")

    async def put(database: "Database") -> "Tenant":
        whose = await _whose(database, tenant, create=create_tenant)
        await LimitStore(database).set(whose.tenant_id, wanted)
        return whose

    whose = with_database(put)
    if as_json:
        emit_json({"tenant": tenant, "tenant_id": whose.tenant_id} | asdict(wanted))
    else:
        typer.echo(f"{_named(whose)} set")


@limits.command()
def remove(tenant: _Tenant = None, as_json: JsonOption = False) -> None:
    """Remove the limits of a tenant, which then has the default; or remove the default."""
    from ingest.adapters.postgres.jobs.limit_store import LimitStore
    from ingest.cli.output import emit_json

    async def lift(database: "Database") -> "Tenant":
        whose = await _whose(database, tenant)
        if not await LimitStore(database).remove(whose.tenant_id):
            raise CommandFailed(f"there are no {_named(whose)}; 'ingest limits list' shows all")
        return whose

    whose = with_database(lift)
    if as_json:
        emit_json({"tenant": tenant, "tenant_id": whose.tenant_id, "removed": True})
    else:
        typer.echo(f"{_named(whose)} removed")


@limits.command(name="list")
def list_limits(as_json: JsonOption = False) -> None:
    """Show all limits; a tenant sees its own limits and usage at /v1/limits."""
    from dataclasses import asdict

    from ingest.adapters.postgres.admin.tenant_store import TenantStore
    from ingest.adapters.postgres.jobs.limit_store import LimitStore
    from ingest.cli.output import console, emit_json, table
    from ingest.domain.identity import ALL_TENANTS
    from ingest.domain.tenant import Names
    from ingest.domain.tenant_limits import TenantLimits

    async def read(database: "Database") -> tuple[dict[UUID, TenantLimits], Names]:
        limits = await LimitStore(database).list_all()
        return limits, await TenantStore(database).names(limits)

    found, names = with_database(read)
    if as_json:
        emit_json(
            [
                {"tenant_id": tenant_id, "tenant_name": names.get(tenant_id)} | asdict(most)
                for tenant_id, most in found.items()
            ]
        )
        return
    if not found:
        typer.echo("no limits; 'ingest limits set --active-jobs N' sets a default for all tenants")
        return
    rows = [
        [
            _DEFAULT if tenant_id == ALL_TENANTS else names.label(tenant_id),
            *(None if value is None else f"{value:,}" for value in asdict(most).values()),
        ]
        for tenant_id, most in found.items()
    ]
    columns = ["tenant", *(name.replace("_per_", "\na ").replace("_", "\n") for name in _COLUMNS)]
    console().print(table(columns, rows, right=columns[1:]))


def _named(whose: "Tenant") -> str:
    from ingest.domain.identity import ALL_TENANTS

    return "default limits" if whose.tenant_id == ALL_TENANTS else f"limits of {whose.label}"


async def _whose(
    database: "Database", tenant: str | None, *, create: bool | None = None
) -> "Tenant":
    from ingest.cli.system.tenants import existing
    from ingest.domain.identity import ALL_TENANTS
    from ingest.domain.tenant import Tenant

    if tenant is None:
        return Tenant(ALL_TENANTS, _DEFAULT)
    return await existing(database, tenant, create=create)
