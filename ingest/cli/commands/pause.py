"""``ingest pause``, ``resume`` and ``pauses``."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ingest.cli.commands.keys import with_database
from ingest.cli.exit_codes import CommandFailed, ExitCode, WrongUsage
from ingest.cli.options import CreateTenantOption, JsonOption
from ingest.cli.output import Json
from ingest.cli.render import pause_text
from ingest.domain.job import Lane

if TYPE_CHECKING:
    from ingest.adapters.postgres.jobs.pause_store import PauseView
    from ingest.adapters.postgres.pool import Database
    from ingest.domain.pause import Pause
    from ingest.domain.tenant import Names, Tenant

_Tenant = Annotated[
    str | None, typer.Option(help="Only this tenant's jobs: a name or a UUID.", show_default=False)
]
_Lane = Annotated[Lane | None, typer.Option(help="Only this lane's jobs.", show_default=False)]
_Provider = Annotated[
    str | None,
    typer.Option(help="Only calls to this provider, e.g. openai.", show_default=False),
]


def pause(
    tenant: _Tenant = None,
    create_tenant: CreateTenantOption = False,
    lane: _Lane = None,
    provider: _Provider = None,
    note: Annotated[str, typer.Option(help="The reason; 'ingest pauses' shows it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Pause all work, or the work of one tenant, lane or provider.

    Jobs under way are finished, uploads are still accepted, and no job loses an attempt. A pause
    survives restarts. 'ingest resume' with the same options ends it.
    """
    from ingest.adapters.postgres.jobs.pause_store import PauseStore

    _check(tenant, lane, provider)

    async def put(database: "Database") -> tuple[Json, bool]:
        whose = await _whose(database, tenant, create=create_tenant)
        wanted = _chosen(whose, lane, provider)
        new = await PauseStore(database).put(wanted, note=note)
        return _fact(wanted, _names_of(whose)), new

    paused, new = with_database(put)
    named = pause_text.what(paused)
    text = f"Paused {named}." if new else f"There is a pause on {named} already."
    _tell(paused, text, changed=new, as_json=as_json)


def resume(
    tenant: _Tenant = None,
    lane: _Lane = None,
    provider: _Provider = None,
    as_json: JsonOption = False,
) -> None:
    """End the pause that 'ingest pause' with the same options began; other pauses stay.

    Exit code 1: there is no such pause; the command lists the pauses there are.
    """
    from ingest.adapters.postgres.jobs.pause_store import PauseStore

    _check(tenant, lane, provider)

    async def lift(database: "Database") -> tuple[Json, bool, list[Json]]:
        whose = await _whose(database, tenant)
        wanted = _chosen(whose, lane, provider)
        lifted = await PauseStore(database).lift(wanted)
        left, names = await _read(database)
        paused = [_fact(view.pause, names) for view in left]
        return _fact(wanted, _names_of(whose)), lifted, paused

    resumed, lifted, left = with_database(lift)
    named = pause_text.what(resumed)
    if not lifted and not as_json:
        raise CommandFailed(f"there is no pause on {named}; {_listed(left)}")
    _tell(resumed, f"Resumed {named}.", changed=lifted, as_json=as_json)
    if not lifted:
        raise typer.Exit(ExitCode.FAILED)


def _listed(pauses: list[Json]) -> str:
    if not pauses:
        return "nothing is paused"
    commands = pause_text.resume_commands(pauses)
    return f"paused: {pause_text.all_of(pauses)}; to resume: {commands}"


def list_pauses(as_json: JsonOption = False) -> None:
    """List all pauses, the oldest first."""
    from ingest.cli.output import console, emit_json, table

    found, names = with_database(_read)
    if as_json:
        emit_json([_fact(view.pause, names) | {"note": view.note, "since": view.paused_at}
                   for view in found])  # fmt: skip
    elif not found:
        typer.echo("nothing is paused")
    else:
        rows = [
            (
                f"{view.paused_at:%Y-%m-%d %H:%M} UTC",
                pause_text.what(_fact(view.pause, names)),
                view.note or None,
            )
            for view in found
        ]
        console().print(table(["since", "paused", "note"], rows, whole=["since"]))


def _check(tenant: str | None, lane: Lane | None, provider: str | None) -> None:
    from ingest.domain import provider_specs

    if sum(option is not None for option in (tenant, lane, provider)) > 1:
        raise WrongUsage("give one of --tenant, --lane and --provider, or none for everything")
    known = provider_specs.names()
    if provider is not None and provider not in known:
        raise WrongUsage(f"--provider must be {' or '.join(known)}, not {provider!r}")


async def _whose(
    database: "Database", tenant: str | None, *, create: bool | None = None
) -> "Tenant | None":
    from ingest.cli.system.tenants import existing

    return None if tenant is None else await existing(database, tenant, create=create)


def _chosen(whose: "Tenant | None", lane: Lane | None, provider: str | None) -> "Pause":
    from ingest.domain.pause import Pause, PauseKind

    if whose is not None:
        return Pause(PauseKind.TENANT, str(whose.tenant_id))
    if lane is not None:
        return Pause(PauseKind.LANE, lane.value)
    if provider is not None:
        return Pause(PauseKind.PROVIDER, provider)
    return Pause(PauseKind.EVERYTHING)


def _tell(paused: Json, text: str, *, changed: bool, as_json: bool) -> None:
    from ingest.cli.output import emit_json

    if as_json:
        emit_json(paused | {"changed": changed})
    else:
        typer.echo(text)


async def _read(database: "Database") -> "tuple[list[PauseView], Names]":
    """All pauses, and the names of the paused tenants."""
    from ingest.adapters.postgres.admin.tenant_store import TenantStore
    from ingest.adapters.postgres.jobs.pause_store import PauseStore

    pauses = await PauseStore(database).list_all()
    whose = {owner for view in pauses if (owner := _owner(view.pause))}
    return pauses, await TenantStore(database).names(whose)


def _owner(paused: "Pause") -> UUID | None:
    """The tenant of a pause; None when it pauses something else."""
    from ingest.domain.pause import PauseKind

    return UUID(paused.subject) if paused.kind is PauseKind.TENANT else None


def _names_of(whose: "Tenant | None") -> "Names":
    from ingest.domain.tenant import Names

    return Names({whose.tenant_id: whose.name} if whose and whose.name else {})


def _fact(paused: "Pause", names: "Names") -> Json:
    owner = _owner(paused)
    fact: Json = {"kind": paused.kind.value, "subject": paused.subject or None}
    return fact | {"tenant_name": names.get(owner)} if owner else fact
