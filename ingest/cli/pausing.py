"""``ingest pause``, ``resume`` and ``pauses``."""

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ingest.cli.database import with_database
from ingest.cli.failures import WrongUsage
from ingest.cli.options import JsonOption
from ingest.domain.identity import tenant_id
from ingest.domain.job import Lane

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ingest.adapters.postgres.pause_store import PauseStore
    from ingest.domain.pause import Pause

Result = TypeVar("Result")
_Tenant = Annotated[
    str | None, typer.Option(help="Only this tenant's jobs: a name or a UUID.", show_default=False)
]
_Lane = Annotated[Lane | None, typer.Option(help="Only this lane's jobs.", show_default=False)]
_Provider = Annotated[
    str | None,
    typer.Option(help="Only calls to this provider: openai or llamaparse.", show_default=False),
]


def pause(
    tenant: _Tenant = None,
    lane: _Lane = None,
    provider: _Provider = None,
    note: Annotated[str, typer.Option(help="Why; shown by 'ingest pauses'.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Stop work for a while: everything, or one tenant, lane or provider.

    What is under way is finished, uploads are still taken, and no attempt is lost. A pause lasts,
    across restarts, until 'ingest resume' with the same options.
    """
    wanted = _chosen(tenant, lane, provider)
    new = _with_pauses(lambda store: store.put(wanted, note=note))
    _tell(wanted, "paused", "was paused already", changed=new, as_json=as_json)


def resume(
    tenant: _Tenant = None,
    lane: _Lane = None,
    provider: _Provider = None,
    as_json: JsonOption = False,
) -> None:
    """Let go on what 'ingest pause' with the same options stopped; other pauses stay."""
    wanted = _chosen(tenant, lane, provider)
    lifted = _with_pauses(lambda store: store.lift(wanted))
    _tell(wanted, "goes on", "was not paused", changed=lifted, as_json=as_json)


def list_pauses(as_json: JsonOption = False) -> None:
    """List what is paused, the oldest first."""
    from ingest.cli.output import console, emit_json, table

    found = _with_pauses(lambda store: store.list_all())
    if as_json:
        emit_json([_fact(view.pause) | {"note": view.note, "since": view.paused_at}
                   for view in found])  # fmt: skip
    elif not found:
        typer.echo("nothing is paused")
    else:
        rows = [
            (f"{view.paused_at:%Y-%m-%d %H:%M} UTC", _named(view.pause), view.note or None)
            for view in found
        ]
        console().print(table(["since", "paused", "note"], rows, whole=["since"]))


def _chosen(tenant: str | None, lane: Lane | None, provider: str | None) -> "Pause":
    from ingest.domain.pause import Pause, PauseKind
    from ingest.domain.provider import PROVIDERS

    if sum(option is not None for option in (tenant, lane, provider)) > 1:
        raise WrongUsage("give one of --tenant, --lane and --provider, or none for everything")
    if provider is not None and provider not in PROVIDERS:
        raise WrongUsage(f"--provider must be {' or '.join(PROVIDERS)}, not {provider!r}")
    if tenant is not None:
        return Pause(PauseKind.TENANT, str(tenant_id(tenant)))
    if lane is not None:
        return Pause(PauseKind.LANE, lane.value)
    if provider is not None:
        return Pause(PauseKind.PROVIDER, provider)
    return Pause(PauseKind.EVERYTHING)


def _tell(wanted: "Pause", done: str, undone: str, *, changed: bool, as_json: bool) -> None:
    from ingest.cli.output import emit_json

    if as_json:
        emit_json(_fact(wanted) | {"changed": changed})
    else:
        typer.echo(f"{_named(wanted)} {done if changed else undone}")


def _named(paused: "Pause") -> str:
    return f"{paused.kind.value} {paused.subject}".strip()


def _fact(paused: "Pause") -> dict[str, object]:
    return {"kind": paused.kind.value, "subject": paused.subject or None}


def _with_pauses(use: "Callable[[PauseStore], Awaitable[Result]]") -> Result:
    from ingest.adapters.postgres.pause_store import PauseStore

    return with_database(lambda database: use(PauseStore(database)))
