"""``ingest model``: shows each tenant's embedding model, and moves tenants to another."""

import time
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ingest.cli.commands.keys import with_database
from ingest.cli.exit_codes import CommandFailed, WrongUsage
from ingest.cli.options import JsonOption

if TYPE_CHECKING:
    from decimal import Decimal

    from ingest.adapters.postgres.pool import Database
    from ingest.adapters.postgres.search.serving_store import ServingStore
    from ingest.app.reembed.switch_model import SwitchedTenant
    from ingest.domain.embedding import EmbeddingModel
    from ingest.domain.serving_space import Move, Serving
    from ingest.domain.tenant import Names

model = typer.Typer(help="Show and change the embedding model of tenants.", no_args_is_help=False)
_SAY_SECONDS = 5.0
TenantOption = Annotated[
    str | None, typer.Option(metavar="NAME|UUID", help="Only this tenant; by default all tenants.")
]


@model.callback(invoke_without_command=True)
def _model(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@model.command()
def show(as_json: JsonOption = False) -> None:
    """List the vector space that serves each tenant, and the spaces of its documents."""
    from dataclasses import asdict

    from ingest import settings
    from ingest.adapters.postgres.admin.tenant_store import TenantStore
    from ingest.adapters.postgres.search.serving_store import ServingStore
    from ingest.cli.output import console, emit_json, facts
    from ingest.wiring.providers import embedding_models

    configured = settings.load()
    labels = list(embedding_models(configured))

    async def read(database: "Database") -> "tuple[list[Serving], Names]":
        serving = await ServingStore(database).list_all()
        return serving, await TenantStore(database).names({row.tenant_id for row in serving})

    found, names = with_database(read)
    if as_json:
        tenants = [asdict(row) | {"tenant_name": names.get(row.tenant_id)} for row in found]
        emit_json({"settings": labels, "tenants": tenants})
        return
    for serving in found:
        console().print(facts(_facts(serving, labels[0], names)))
        console().print()
    typer.echo(f"the settings name {' and '.join(labels)}")


def _facts(serving: "Serving", default: str, names: "Names") -> list[tuple[str, str | None]]:
    from ingest.domain.identity import ALL_TENANTS

    whose = (
        "all other tenants" if serving.tenant_id == ALL_TENANTS else names.label(serving.tenant_id)
    )
    documents = ", ".join(f"{n:,} in {space or default}" for space, n in serving.documents.items())
    return [
        ("tenant", whose),
        ("served in", serving.serving or "(as the settings say)"),
        ("beside", serving.other),
        ("documents", documents or None),
    ]


@model.command()
def move(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="NAME@VERSION", help="The target space; by default that of INGEST_NEXT_MODEL."
        ),
    ] = None,
    tenant: TenantOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show the number of chunks to embed, and the cost."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Embed all chunks with another model while the present one serves, then switch.

    A tenant is switched when all its vectors exist. Its questions are embedded with the model that
    serves it. The old vectors are kept until 'ingest model drop'; to go back, run the same command
    with --to and the old space. Run an interrupted command again to resume; no text is paid for
    twice.
    """
    from ingest.cli.output import duration, emit_json, money, plural

    began = time.monotonic()
    wanted = _move(to)
    if dry_run:
        chunks, tokens = with_database(lambda database: _count(database, wanted, tenant))
        usd = _price(wanted.target) * tokens / 1_000_000
        if as_json:
            emit_json({"chunks": chunks, "tokens": tokens, "usd": usd})
        else:
            typer.echo(f"{chunks:,} chunks with {tokens:,} tokens are to be embedded: {money(usd)}")
        return
    moved = with_database(lambda database: _run(database, wanted, tenant))
    if as_json:
        emit_json(
            {
                "from": wanted.source.label,
                "to": wanted.target.label,
                "tenants": moved.tenants,
                "chunks": moved.chunks,
                "tokens": moved.tokens,
                "refused": {str(chunk): code for chunk, code in moved.refused.items()},
            }
        )
        return
    typer.echo(
        f"Moved {plural(moved.tenants, 'tenant')} to {wanted.target.label}; "
        f"{plural(moved.chunks, 'chunk')} embedded in {duration(time.monotonic() - began)}"
    )
    if moved.refused:
        typer.echo(f"The model refused {plural(len(moved.refused), 'chunk')}, left out of search")


def _move(to: str | None) -> "Move":
    """From which of the settings' two models to which."""
    from ingest import settings
    from ingest.domain.serving_space import Move
    from ingest.wiring.providers import embedding_models

    models = embedding_models(settings.load())
    if len(models) == 1:
        raise WrongUsage("the settings name one model only; set INGEST_NEXT_MODEL, too")
    target = list(models)[-1] if to is None else to
    if target not in models:
        raise WrongUsage(f"--to must be one of {', '.join(models)}, not {target!r}")
    (source,) = models.keys() - {target}
    return Move(models[source], models[target])


def _price(target: "EmbeddingModel") -> "Decimal":
    """US dollars a million tokens."""
    from decimal import Decimal

    from ingest import settings
    from ingest.wiring.providers import price_today, provider_of

    spec = provider_of(target)
    return Decimal() if spec is None else price_today(settings.load(), spec, target.name)


async def _count(database: "Database", wanted: "Move", tenant: str | None) -> tuple[int, int]:
    from ingest.adapters.postgres.search.serving_store import ServingStore

    owner, store = await _owner(database, tenant), ServingStore(database)
    return await store.count_missing(await _users(store, wanted, owner), wanted)


async def _owner(database: "Database", tenant: str | None) -> UUID | None:
    from ingest.cli.system.tenants import existing

    return None if tenant is None else (await existing(database, tenant)).tenant_id


async def _users(store: "ServingStore", wanted: "Move", owner: UUID | None) -> list[UUID]:
    """The selected tenants that the source space serves."""
    users = await store.tenants(wanted.source, by_default=_is_own(wanted))
    return [tenant_id for tenant_id in users if owner in (None, tenant_id)]


async def _run(database: "Database", wanted: "Move", tenant: str | None) -> "SwitchedTenant":
    from ingest import settings
    from ingest.adapters.postgres.search.serving_store import ServingStore
    from ingest.app.reembed.switch_model import ModelSwitcher
    from ingest.cluster.rate_limiter_access import open_rate_limiter
    from ingest.wiring.chunking import batch_limits, make_chunk_stores
    from ingest.wiring.embedding import make_embedder

    configured, store = settings.load(), ServingStore(database)
    owner = await _owner(database, tenant)
    limits = batch_limits(configured)
    with open_rate_limiter(configured) as rate_limiter:
        embedder = make_embedder(configured, database, rate_limiter, model=wanted.target)
        mover = ModelSwitcher(
            store,
            make_chunk_stores(configured, database)[wanted.target.label],
            embedder,
            wanted,
            items=min(limits.items, 512),
            tokens=limits.tokens,
            looks=_MoveProgress(),
        )
        try:
            users = await _users(store, wanted, owner)
            for tenant_id in users:
                await mover.embed_beside(tenant_id)
            await _index(database, wanted.target)
            if owner is None:
                await mover.all(by_default=_is_own(wanted))
            else:
                for tenant_id in users:
                    await mover.tenant(tenant_id)
        finally:
            await embedder.close()
    return mover.moved


def _is_own(wanted: "Move") -> bool:
    """Whether the source serves where nothing else is said."""
    from ingest import settings
    from ingest.wiring.providers import embedding_model

    return embedding_model(settings.load()) == wanted.source


async def _index(database: "Database", target: "EmbeddingModel") -> None:
    """Index the target's vectors before anybody searches them, if they are not indexed."""
    from ingest import settings
    from ingest.cli.output import say
    from ingest.cli.render.index_progress import show_while
    from ingest.wiring.indexes import open_indexes

    indexes = open_indexes(settings.load(), database)
    if not await indexes.is_usable(target):
        say(f"building the index of {target.label}")
        await show_while(indexes, indexes.rebuild(target, await indexes.kind(target)))


class _MoveProgress:
    """Reports the progress of a move from time to time."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, moved: "SwitchedTenant") -> None:
        from ingest.cli.output import say

        if time.monotonic() - self._said >= _SAY_SECONDS:
            self._said = time.monotonic()
            say(f"{moved.chunks:,} chunks embedded, {moved.tenants:,} tenants switched")


@model.command()
def drop(
    space: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="From 'ingest model show'.")],
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help="Confirm the deletion; only embedding again restores the vectors."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete all vectors of a space that serves no tenant."""
    from ingest.cli.output import emit_json, plural

    if not yes:
        raise WrongUsage("this deletes the vectors permanently; pass --yes to confirm")
    removed = with_database(lambda database: _drop(database, space))
    if as_json:
        emit_json({"space": space, "removed": removed})
    else:
        typer.echo(f"Deleted {plural(removed, 'vector')} of {space}")


async def _drop(database: "Database", label: str) -> int:
    from ingest import settings
    from ingest.adapters.postgres.search.serving_store import ServingStore
    from ingest.cli.commands.index import space_named
    from ingest.wiring.providers import embedding_model

    space, store = await space_named(database, label), ServingStore(database)
    tenants, documents = await store.uses(space)
    if tenants or documents:
        raise CommandFailed(
            f"{label} serves {tenants:,} tenants by name and {documents:,} documents: move them"
        )
    if embedding_model(settings.load()) == space:
        raise CommandFailed(f"{label} is what the settings name for new documents")
    return await store.delete(space)
