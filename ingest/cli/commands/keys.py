"""``ingest migrate`` and ``ingest keys``: commands that use the database directly."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from ingest.cli.exit_codes import CommandFailed, WrongUsage
from ingest.cli.options import CreateTenantOption, JsonOption
from ingest.cli.process import run_async
from ingest.domain.scopes import ALL_SCOPES, DEFAULT_SCOPES, Scope, in_words

if TYPE_CHECKING:
    from ingest.adapters.postgres.admin.key_store import KeyView
    from ingest.adapters.postgres.pool import Database
    from ingest.domain.tenant import Names, Tenant

Result = TypeVar("Result")
keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=False)


def migrate(
    revision: Annotated[
        str,
        typer.Option(help="Bring the schema to this revision, e.g. 0002."),
    ] = "head",
    down: Annotated[
        bool, typer.Option("--down", help="Undo migrations down to --revision (or 'base').")
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help="With --down: confirm that the data of dropped tables is deleted."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Migrate the database to the schema of this version.

    'ingest up' migrates the embedded database. Only this command migrates a database of your own
    (INGEST_DATABASE_URL).
    """
    from ingest import settings
    from ingest.adapters.postgres.admin import migrate as migrations
    from ingest.cli.output import emit_json
    from ingest.cli.system import database_access
    from ingest.wiring.storage import database_url

    if down and not yes:
        raise WrongUsage("--down deletes tables with their data; add --yes to confirm")
    _ensure_known(revision, down=down)
    with database_access.with_database(settings.load()) as reachable:
        before = database_access.inspect(reachable).revision
        move = migrations.downgrade if down else migrations.upgrade
        move(database_url(reachable), revision)
        after = database_access.inspect(reachable).revision
    if as_json:
        emit_json({"before": before, "after": after})
    elif before == after:
        typer.echo(f"the schema is at {after or 'none'}; nothing to do")
    else:
        typer.echo(f"the schema went from {before or 'none'} to {after or 'none'}")


def _ensure_known(revision: str, *, down: bool) -> None:
    from ingest.adapters.postgres.admin.migrate import revisions

    known = [*revisions(), "base" if down else "head"]
    if revision not in known:
        raise WrongUsage(f"--revision must be one of {', '.join(known)}, not {revision!r}")


@keys.callback(invoke_without_command=True)
def _keys(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@keys.command()
def create(
    tenant: Annotated[
        str,
        typer.Option(
            help="The tenant that the key gives access to: a name or a UUID. The tenant 'local' "
            "owns "
            "all documents that were uploaded without authentication."
        ),
    ] = "local",
    create_tenant: CreateTenantOption = False,
    label: Annotated[str, typer.Option(help="The purpose of the key; 'keys list' shows it.")] = "",
    scope: Annotated[
        list[Scope] | None,
        typer.Option(
            help="A right of the key: read, write or admin; repeat the option for several."
        ),
    ] = None,
    expires: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
            help="When the key expires, in UTC; by default never.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create an API key. It is shown only once; the database keeps only its digest.

    Without --scope the key may read and write.
    """
    from ingest.adapters.postgres.admin.key_store import KeyStore
    from ingest.cli.output import emit_json, say
    from ingest.cli.system.tenants import existing

    scopes, expires_at = _scopes(scope), _end(expires)

    async def make(database: "Database") -> "tuple[Tenant, UUID, str]":
        owner = await existing(database, tenant, create=create_tenant)
        made = KeyStore(database).create(
            owner.tenant_id, label, scopes=scopes, expires_at=expires_at
        )
        return owner, *await made

    owner, key_id, key = with_database(make)
    if as_json:
        emit_json(
            {
                "key_id": key_id,
                "tenant": owner.tenant_id,
                "tenant_name": owner.name,
                "label": label,
                "scopes": sorted(scopes),
                "expires_at": expires_at,
                "key": key,
            }
        )
        return
    typer.echo(key)
    say(f"key {key_id} of tenant {owner.label}; it is not shown again. Use it as INGEST_API_KEY.")


def _scopes(asked: Sequence[Scope] | None) -> frozenset[Scope]:
    if unfit := set(asked or ()) - ALL_SCOPES:
        raise WrongUsage(f"no key can carry the scope {in_words(unfit)!r}")
    return frozenset(asked or DEFAULT_SCOPES)


def _end(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    end = moment.replace(tzinfo=UTC)
    if end <= datetime.now(UTC):
        raise WrongUsage(f"--expires {end:%Y-%m-%dT%H:%M} UTC is over already")
    return end


@keys.command(name="list")
def list_keys(as_json: JsonOption = False) -> None:
    """List all keys, newest first, without the keys themselves."""
    from dataclasses import asdict

    from ingest.adapters.postgres.admin.key_store import KeyStore
    from ingest.adapters.postgres.admin.tenant_store import TenantStore
    from ingest.cli.output import console, emit_json, facts

    async def read(database: "Database") -> "tuple[list[KeyView], Names]":
        found = await KeyStore(database).list_all()
        return found, await TenantStore(database).names({view.tenant_id for view in found})

    found, names = with_database(read)
    if as_json:
        emit_json([asdict(view) | {"tenant_name": names.get(view.tenant_id)} for view in found])
    elif not found:
        typer.echo("no keys; 'ingest keys create' makes one")
    else:
        for number, view in enumerate(found):
            if number:
                typer.echo()
            console().print(
                facts(
                    [
                        ("key", view.key_id),
                        ("tenant", names.label(view.tenant_id)),
                        ("label", view.label or None),
                        ("scopes", in_words(view.scopes)),
                        ("created", _minute(view.created_at)),
                        ("expires", _minute(view.expires_at)),
                        ("revoked", _minute(view.revoked_at)),
                    ]
                )
            )
            console().print()


def _minute(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@keys.command()
def revoke(
    key_id: Annotated[UUID, typer.Argument(metavar="KEY_ID", help="From 'ingest keys list'.")],
    as_json: JsonOption = False,
) -> None:
    """Revoke a key. Gateways refuse it within seconds."""
    from ingest.adapters.postgres.admin.key_store import KeyStore
    from ingest.adapters.postgres.admin.tenant_store import TenantStore
    from ingest.cli.output import emit_json
    from ingest.domain.tenant import Names

    async def refuse(database: "Database") -> "tuple[UUID | None, Names]":
        owner = await KeyStore(database).revoke(key_id)
        return owner, await TenantStore(database).names([owner]) if owner else Names()

    owner, names = with_database(refuse)
    if owner is None:
        raise CommandFailed(f"there is no valid key {key_id}; 'ingest keys list' shows all")
    if as_json:
        emit_json({"revoked": key_id, "tenant": owner, "tenant_name": names.get(owner)})
    else:
        typer.echo(f"{key_id} of tenant {names.label(owner)} revoked")


def with_database(use: "Callable[[Database], Awaitable[Result]]") -> Result:
    """Open the database for one operation."""
    from ingest import settings
    from ingest.cli.system import database_access
    from ingest.wiring.storage import open_database

    async def operate() -> Result:
        database = open_database(reachable)
        try:
            return await use(database)
        finally:
            await database.close()

    with database_access.with_database(settings.load()) as reachable:
        database_access.ensure_schema(reachable)
        return run_async(operate())
