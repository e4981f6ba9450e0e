"""``ingest status``."""

import asyncio
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.exit_codes import ExitCode, Refused, Unreachable
from ingest.cli.options import JsonOption, KeyOption, UrlOption
from ingest.cli.output import Json
from ingest.cli.process import run_async

if TYPE_CHECKING:
    from ingest.cli.client.gateway_client import GatewayClient


def status(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Update the report until Ctrl-C.")
    ] = False,
    interval: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.5, help="Seconds between two updates with --watch."),
    ] = 2.0,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show whether the system is ready, its queue, its speed and its workers.

    Exit code 0: ready. 1: the system answers, but a part is missing. 2: nothing answers.
    """
    looks = _reports(url, key, watch=watch, interval=interval, as_json=as_json)
    try:
        ready = run_async(looks)
    except KeyboardInterrupt:
        if not watch:
            raise
        return
    if not ready:
        raise typer.Exit(ExitCode.FAILED)


async def _reports(
    url: str | None, key: str | None, *, watch: bool, interval: float, as_json: bool
) -> bool:
    from rich.live import Live

    from ingest.cli.client.connect import connect
    from ingest.cli.output import console, emit_json
    from ingest.cli.render import status_report

    screen = console()
    live = Live(console=screen, auto_refresh=False) if watch and screen.is_terminal else None
    before: Json | None = None
    async with connect(url, key) as gateway:
        with nullcontext() if live is None or as_json else live:
            while True:
                started = time.monotonic()
                now = await _report(gateway, before, patient=watch)
                if as_json:
                    emit_json(now, indent=None if watch else 2)
                elif live is not None:
                    live.update(status_report.picture(now), refresh=True)
                else:
                    screen.print(status_report.picture(now))
                if not watch:
                    return bool(now["ready"])
                before = now if "clock" in now else None
                await asyncio.sleep(max(0.0, interval - (time.monotonic() - started)))


async def _report(gateway: "GatewayClient", before: Json | None, *, patient: bool) -> Json:
    from ingest.cli.render import status_report

    try:
        return await status_report.read(gateway, before=before)
    except (Unreachable, Refused) as exc:
        if not patient:
            raise
        return {"url": gateway.url, "ready": False, "problems": [str(exc)]}
