"""``ingest pause``, ``resume`` and ``pauses``."""

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ingest.cli import pause_words
from ingest.cli.database import with_database
from ingest.cli.failures import CommandFailed, ExitCode, WrongUsage
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
    named = pause_words.what(_fact(wanted))
    text = f"Paused {named}." if new else f"There is a pause on {named} already."
    _tell(wanted, text, changed=new, as_json=as_json)


def resume(
    tenant: _Tenant = None,
    lane: _Lane = None,
    provider: _Provider = None,
    as_json: JsonOption = False,
) -> None:
    """Resume what 'ingest pause' with the same options stopped; other pauses stay.

    Exit code 1: there is no such pause; what is paused is listed.
    """
    wanted = _chosen(tenant, lane, provider)
    lifted, left = _with_pauses(lambda store: _lift(store, wanted))
    named = pause_words.what(_fact(wanted))
    if not lifted and not as_json:
        raise CommandFailed(f"there is no pause on {named}; {_listed(left)}")
    _tell(wanted, f"Resumed {named}.", changed=lifted, as_json=as_json)
    if not lifted:
        raise typer.Exit(ExitCode.FAILED)


async def _lift(store: "PauseStore", wanted: "Pause") -> "tuple[bool, list[dict[str, object]]]":
    """Whether it was paused, and what is paused now."""
    lifted = await store.lift(wanted)
    return lifted, [_fact(view.pause) for view in await store.list_all()]


def _listed(pauses: "list[dict[str, object]]") -> str:
    if not pauses:
        return "nothing is paused"
    commands = pause_words.resume_commands(pauses)
    return f"paused: {pause_words.all_of(pauses)}; to resume: {commands}"


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
            (
                f"{view.paused_at:%Y-%m-%d %H:%M} UTC",
                pause_words.what(_fact(view.pause)),
                view.note or None,
            )
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


def _tell(wanted: "Pause", text: str, *, changed: bool, as_json: bool) -> None:
    from ingest.cli.output import emit_json

    if as_json:
        emit_json(_fact(wanted) | {"changed": changed})
    else:
        typer.echo(text)


def _fact(paused: "Pause") -> dict[str, object]:
    return {"kind": paused.kind.value, "subject": paused.subject or None}


def _with_pauses(use: "Callable[[PauseStore], Awaitable[Result]]") -> Result:
    from ingest.adapters.postgres.pause_store import PauseStore

    return with_database(lambda database: use(PauseStore(database)))
