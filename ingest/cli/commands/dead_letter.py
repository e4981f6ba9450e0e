"""``ingest dead-letter``: lists, replays and discards jobs that failed for good."""

import re
from typing import Annotated, Any

import typer

from ingest.cli.exit_codes import WrongUsage
from ingest.cli.options import JsonOption, KeyOption, UrlOption
from ingest.cli.output import Json
from ingest.cli.process import run_async

PAGE_JOBS = 200
CALL_JOBS = 1000
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
dead_letter = typer.Typer(help="List, replay or discard jobs that failed for good.")

_Code = Annotated[
    str | None,
    typer.Option(
        help="Only jobs with this error code, e.g. document_encrypted.", show_default=False
    ),
]
_Class = Annotated[
    str | None,
    typer.Option(
        "--class",
        help="Only jobs with this class of errors, e.g. DocumentRejected.",
        show_default=False,
    ),
]
_Older = Annotated[
    str | None,
    typer.Option(
        metavar="AGE",
        help="Only jobs that failed longer ago than this, e.g. 2h.",
        show_default=False,
    ),
]
_Newer = Annotated[
    str | None,
    typer.Option(
        metavar="AGE", help="Only jobs that failed within this time, e.g. 7d.", show_default=False
    ),
]
_Text = Annotated[
    str | None,
    typer.Option(
        help="Only jobs with this text in the message or the filename.", show_default=False
    ),
]
_Limit = Annotated[
    int, typer.Option(metavar="N", min=1, max=1_000_000, help="Take at most N jobs.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what the command would do.")]


@dead_letter.command(name="list")
def list_dead(
    code: _Code = None,
    error_class: _Class = None,
    older_than: _Older = None,
    newer_than: _Newer = None,
    text: _Text = None,
    limit: _Limit = 50,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs that failed for good, the latest first; the age is the time since they failed."""
    from ingest.cli.output import age, console, emit_json, table

    wanted = _filter(code, error_class, older_than, newer_than, text)
    found = run_async(_latest(wanted, limit, url=url, key=key))
    if as_json:
        emit_json(found)
    elif not found:
        typer.echo("no jobs")
    else:
        rows = [
            (job["job_id"], age(job["finished_at"]), job["last_error"]["code"],
             f"{job['filename']}: {job['last_error']['message']}")
            for job in found
        ]  # fmt: skip
        columns = ["job", "age", "code", "file"]
        console().print(table(columns, rows, right=["age"], whole=["job", "code"]))


@dead_letter.command()
def replay(
    code: _Code = None,
    error_class: _Class = None,
    older_than: _Older = None,
    newer_than: _Newer = None,
    text: _Text = None,
    limit: _Limit = 1000,
    dry_run: _DryRun = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retry failed jobs with fresh attempts, one after the other, the first that failed first.

    Without a filter, all of them. A job keeps its history and counts its replays.
    """
    wanted = _filter(code, error_class, older_than, newer_than, text)
    done = run_async(_repeat("replay", wanted, limit, dry_run=dry_run, url=url, key=key))
    notes = [f"{done['left']} left"] if done["left"] else []
    if done["superseded"]:
        notes.append(f"{done['superseded']} replaced by newer jobs: 'ingest dead-letter discard'")
    if done["last_due_at"]:
        notes.append(f"the last starts by {done['last_due_at']}")
    _tell(done, "replayed", notes, as_json=as_json)


@dead_letter.command()
def discard(
    code: _Code = None,
    error_class: _Class = None,
    older_than: _Older = None,
    newer_than: _Newer = None,
    text: _Text = None,
    limit: _Limit = 1000,
    everything: Annotated[
        bool, typer.Option("--all", help="Discard all jobs, without a filter.")
    ] = False,
    dry_run: _DryRun = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel failed jobs; they keep their last error and their history."""
    wanted = _filter(code, error_class, older_than, newer_than, text)
    if not (wanted or everything or dry_run):
        raise WrongUsage("give a filter, or --all to discard everything in the dead letter")
    done = run_async(_repeat("discard", wanted, limit, dry_run=dry_run, url=url, key=key))
    _tell(done, "discarded", [f"{done['left']} left"] if done["left"] else [], as_json=as_json)


def seconds_of(option: str, text: str | None) -> float | None:
    """Seconds of an age such as 90s, 15m, 2h or 7d.

    Raises:
        WrongUsage: it is none.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smhd])", text.strip())
    if match is None:
        raise WrongUsage(f"{option} must be like 90s, 15m, 2h or 7d, not {text!r}")
    return float(match[1]) * _SECONDS[match[2]]


def _filter(
    code: str | None,
    error_class: str | None,
    older_than: str | None,
    newer_than: str | None,
    text: str | None,
) -> dict[str, Any]:
    given = {
        "code": code,
        "class": error_class,
        "older_than_seconds": seconds_of("--older-than", older_than),
        "newer_than_seconds": seconds_of("--newer-than", newer_than),
        "text": text,
    }
    return {name: value for name, value in given.items() if value is not None}


async def _latest(
    wanted: dict[str, Any], limit: int, *, url: str | None, key: str | None
) -> list[Json]:
    from ingest.cli.client.connect import connect

    async with connect(url, key) as gateway:
        return await gateway.pages(
            "/v1/dead-letter", "jobs", limit=limit, page=PAGE_JOBS, params=wanted
        )


async def _repeat(
    verb: str,
    wanted: dict[str, Any],
    limit: int,
    *,
    dry_run: bool,
    url: str | None,
    key: str | None,
) -> Json:
    """Ask again and again until nothing is left or the limit is reached; the sum of the answers."""
    from ingest.cli.client.connect import connect

    total: Json | None = None
    async with connect(url, key) as gateway:
        while True:
            done = 0 if total is None else total["jobs"]
            body = wanted | {"limit": min(CALL_JOBS, limit - done), "dry_run": dry_run}
            answer = await gateway.post(f"/v1/dead-letter:{verb}", body)
            if dry_run:
                matching = answer["jobs"] + answer["left"]
                jobs = min(limit, matching)
                return answer | {"jobs": jobs, "left": matching - jobs}
            total = answer | {"jobs": done + answer["jobs"]}
            if not (answer["jobs"] and answer["left"] and total["jobs"] < limit):
                return total


def _tell(done: Json, verb: str, notes: list[str], *, as_json: bool) -> None:
    from ingest.cli.output import emit_json, plural

    if as_json:
        emit_json(done)
        return
    would = "would be " if done["dry_run"] else ""
    typer.echo("; ".join([f"{plural(done['jobs'], 'job')} {would}{verb}", *notes]))
