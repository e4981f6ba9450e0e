"""``ingest jobs``, ``why``, ``retry``, ``cancel`` and ``cancel-run``."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from ingest.cli.exit_codes import CommandFailed
from ingest.cli.options import JobArgument, JsonOption, KeyOption, UrlOption
from ingest.cli.process import run_async
from ingest.domain.job import JobState

if TYPE_CHECKING:
    from ingest.adapters.postgres.pool import Database

PAGE_JOBS = 100


def list_jobs(
    state: Annotated[
        JobState | None, typer.Option(help="Only jobs in this state.", show_default=False)
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="Show at most N jobs.")
    ] = 20,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, newest first.

    'ingest jobs --state deadletter' lists failed jobs; 'ingest why JOB' explains one job.
    """
    from ingest.cli.output import age, console, emit_json, table

    found = run_async(_newest(state, limit, url=url, key=key))
    if as_json:
        emit_json(found)
    elif not found:
        typer.echo(f"no jobs in state {state.value}" if state else "no jobs")
    else:
        rows = [(job["job_id"], age(job["created_at"]), job["state"], _note(job)) for job in found]
        columns = ["job", "age", "state", "file"]
        console().print(table(columns, rows, right=["age"], whole=["job", "state"]))


async def _newest(
    state: JobState | None, limit: int, *, url: str | None, key: str | None
) -> list[dict[str, Any]]:
    from ingest.cli.client.connect import connect

    narrowed = {"state": state.value if state else None}
    async with connect(url, key) as gateway:
        return await gateway.pages("/v1/jobs", "jobs", limit=limit, page=PAGE_JOBS, params=narrowed)


def why(
    job: JobArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Explain a job: its stage, why it waits or failed, and what you can do."""
    from ingest.cli.client.connect import connect
    from ingest.cli.output import Json, console, emit_json
    from ingest.cli.render import job_report

    async def fetch() -> tuple[Json, list[Json]]:
        async with connect(url, key) as gateway:
            return await gateway.get(f"/v1/jobs/{job}"), await gateway.history(str(job))

    found, events = run_async(fetch())
    if as_json:
        emit_json({"job": found, "next": job_report.next_steps(found), "events": events})
    else:
        job_report.show(console(), found, events)


def retry(
    job: JobArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Retry a failed job."""
    _act(job, "retry", "is tried again", url=url, key=key, as_json=as_json)


def cancel(
    job: JobArgument, url: UrlOption = None, key: KeyOption = None, as_json: JsonOption = False
) -> None:
    """Stop a job that has not ended; published chunks of its document stay searchable."""
    _act(job, "cancel", "cancelled", url=url, key=key, as_json=as_json)


def cancel_run(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Id of the run, from the backfill's summary, e.g. backfill-1a2b…."
        ),
    ],
    tenant: Annotated[
        str | None,
        typer.Option(help="The tenant of the run: a name or a UUID.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Stop all unfinished jobs of a backfill; stop the backfill itself first.

    Published documents stay searchable. The next backfill of the same objects takes the others
    again. Texts that are already in a provider batch are still paid for.
    """
    from ingest.adapters.postgres.jobs.run_store import RunStore
    from ingest.cli.commands.keys import with_database
    from ingest.cli.output import emit_json, plural
    from ingest.cli.system.tenants import existing_or_local

    async def stop(database: "Database") -> int:
        owner = (await existing_or_local(database, tenant)).tenant_id
        return sum([count async for count in RunStore(database).cancel(run, owner)])

    cancelled = with_database(stop)
    if as_json:
        emit_json({"run": run, "cancelled": cancelled})
    elif cancelled:
        typer.echo(f"{plural(cancelled, 'job')} of {run} cancelled")
    if not cancelled:
        raise CommandFailed(
            "No such run for this tenant (the run id is in the backfill's summary), "
            "or all its jobs have ended"
        )


def _act(
    job: UUID, verb: str, done: str, *, url: str | None, key: str | None, as_json: bool
) -> None:
    from ingest.cli.client.connect import connect
    from ingest.cli.output import Json, emit_json

    async def ask() -> Json:
        async with connect(url, key) as gateway:
            return await gateway.post(f"/v1/jobs/{job}:{verb}")

    answer = run_async(ask())
    if as_json:
        emit_json(answer)
    else:
        typer.echo(f"{job} {done}")


def _note(job: dict[str, Any]) -> str:
    """A job's file and stage, and in a few words why it is not done."""
    from ingest.cli.render import warning_lines

    error, waiting = job["last_error"] or {}, job["waiting_for"] or {}
    file = f"{job['filename']}{warning_lines.mark(job)}"
    if job["state"] in ("done", "cancelled"):
        return file
    if job["state"] == "deadletter":
        return f"{file}: {error.get('code')}"
    why = error.get("code") or waiting.get("reason") or ""
    return f"{file}: {job['stage']}, {why}"
