"""The commands, and how their errors become messages and exit codes."""

from collections.abc import Sequence
from typing import Annotated

import typer

from ingest import __version__
from ingest.cli import usage_faults
from ingest.cli.commands import (
    backfill,
    backup,
    batches,
    budget,
    dead_letter,
    doctor,
    estimate,
    index,
    jobs,
    keys,
    limits,
    model,
    pause,
    plan,
    search,
    status,
    up,
    upload,
    warned_documents,
)
from ingest.cli.demos import command
from ingest.cli.exit_codes import CommandError, ExitCode, exit_code
from ingest.cli.metavars import PlainGroup
from ingest.cli.output import say
from ingest.domain.errors import IngestError, WrongSettings

_EPILOG = (
    "Settings are environment variables with the prefix INGEST_; 'ingest doctor' lists those "
    "in use. Exit codes: 0 success, 1 something failed, 2 wrong usage or settings, or the system "
    "cannot be reached, 130 interrupted, 143 terminated while the system started."
)

app = typer.Typer(
    cls=PlainGroup,
    name="ingest",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
)
_SYSTEM, _DOCUMENTS, _JOBS, _DATABASE = "The system", "Documents", "Jobs", "The database"
_MONEY, _CONTROL = "Money", "Control"
app.command(rich_help_panel=_SYSTEM)(command.demo)
app.command(rich_help_panel=_SYSTEM)(up.up)
app.command(rich_help_panel=_SYSTEM)(up.down)
app.command(rich_help_panel=_SYSTEM)(status.status)
app.command(rich_help_panel=_SYSTEM)(doctor.doctor)
app.command(rich_help_panel=_DOCUMENTS)(upload.upload)
app.command(rich_help_panel=_DOCUMENTS)(backfill.backfill)
app.command(rich_help_panel=_DOCUMENTS)(search.search)
app.command(rich_help_panel=_DOCUMENTS)(search.delete)
app.command(name="warnings", rich_help_panel=_DOCUMENTS)(warned_documents.list_warnings)
app.command(name="jobs", rich_help_panel=_JOBS)(jobs.list_jobs)
app.command(rich_help_panel=_JOBS)(jobs.why)
app.command(rich_help_panel=_JOBS)(jobs.retry)
app.command(rich_help_panel=_JOBS)(jobs.cancel)
app.command(name="cancel-run", rich_help_panel=_JOBS)(jobs.cancel_run)
app.command(name="batches", rich_help_panel=_JOBS)(batches.list_batches)
app.add_typer(dead_letter.dead_letter, name="dead-letter", rich_help_panel=_JOBS)
app.command(rich_help_panel=_CONTROL)(pause.pause)
app.command(rich_help_panel=_CONTROL)(pause.resume)
app.command(name="pauses", rich_help_panel=_CONTROL)(pause.list_pauses)
app.add_typer(limits.limits, name="limits", rich_help_panel=_CONTROL)
app.command(rich_help_panel=_MONEY)(estimate.estimate)
app.command(rich_help_panel=_MONEY)(plan.plan)
app.command(rich_help_panel=_MONEY)(budget.usage)
app.add_typer(budget.budget, name="budget", rich_help_panel=_MONEY)
app.command(rich_help_panel=_DATABASE)(keys.migrate)
app.add_typer(index.index, name="index", rich_help_panel=_DATABASE)
app.add_typer(model.model, name="model", rich_help_panel=_DATABASE)
app.command(rich_help_panel=_DATABASE)(backup.backup)
app.command(rich_help_panel=_DATABASE)(backup.restore)
app.add_typer(keys.keys, name="keys", rich_help_panel=_DATABASE)

_traceback_wanted = False


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ingest {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def entrance(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where in the code an error comes from.")
    ] = False,
) -> None:
    """Documents in, searchable chunks out.

    Try it: 'ingest demo'. Use it: 'ingest up --detach', then 'ingest upload FOLDER', then
    'ingest search "a question"'. You need to install or configure nothing else.
    """
    del version
    global _traceback_wanted
    _traceback_wanted = traceback
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code.

    Args:
        arguments: Words after the program's name; None takes those of the process.
    """
    try:
        ended = app(
            None if arguments is None else list(arguments),
            prog_name="ingest",
            standalone_mode=False,
        )
    except typer.TyperException as exc:
        return _fail(exc, usage_faults.in_words(exc), ExitCode.UNUSABLE)
    except (IngestError, CommandError) as exc:
        return _fail(exc, str(exc), exit_code(exc))
    except OSError as exc:
        place = f"{str(exc.filename)!r}: " if exc.filename else ""
        return _fail(exc, f"{place}{exc.strerror or exc}", ExitCode.FAILED)
    except Exception as exc:  # noqa: BLE001 the process's edge
        text = f"{type(exc).__name__}: {exc}".strip().splitlines()[0]
        return _fail(exc, f"{text} (unexpected; --traceback shows more)", ExitCode.FAILED)
    return ended if isinstance(ended, int) else ExitCode.OK


def _fail(error: Exception, message: str, code: ExitCode) -> int:
    if _traceback_wanted:
        import traceback

        traceback.print_exception(error)
    for line in message.splitlines() if isinstance(error, WrongSettings) else [message]:
        say(f"error: {' '.join(line.split())}")
    return code
