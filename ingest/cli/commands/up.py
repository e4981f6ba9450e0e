"""``ingest up`` and ``ingest down``."""

from typing import Annotated

import typer

from ingest.cli.options import JsonOption


def up(
    detach: Annotated[
        bool,
        typer.Option(
            "--detach", "-d", help="Return when the system is ready; 'ingest down' stops it."
        ),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=1,
            max=65535,
            show_default=False,
            help="Port of the HTTP API instead of INGEST_PORT.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Start the whole system: database, workers and the HTTP API.

    Without settings, the folder .ingest holds everything: an embedded PostgreSQL, the stored files
    and the logs. Ctrl-C and SIGTERM stop the system cleanly: jobs under way are finished, the
    others stay queued.
    """
    import os

    from ingest import settings
    from ingest.cli.system import background, foreground, startup_checks, temporary_system

    if port is not None:
        os.environ["INGEST_PORT"] = str(port)  # child processes read the port from the environment
    loaded = settings.load()
    foreground.ensure_nothing_runs(loaded)
    startup_checks.ensure_startable(loaded, listens=True)
    if detach:
        with temporary_system.interruptible():
            background.start(loaded, as_json=as_json)
    else:
        foreground.run(loaded, as_json=as_json)


def down(as_json: JsonOption = False) -> None:
    """Stop the system that runs on this state folder, and wait for its end.

    The command also ends processes that a killed system left behind on this folder.
    """
    from ingest import settings
    from ingest.cli.output import emit_json
    from ingest.cli.system import background, leftovers

    loaded = settings.load()
    pid = background.stop(loaded)
    ended = leftovers.end(loaded)
    if as_json:
        emit_json({"stopped": pid, "ended": ended.pids if ended else []})
        return
    typer.echo("no system runs on this state folder" if pid is None else f"stopped pid {pid}")
    if ended:
        typer.echo(f"ended {ended}, which a killed process left behind")
