"""The report of a job: its stage, its events, and the next step for a person."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console

from ingest.adapters.postgres.jobs.job_store import MOST_AHEAD
from ingest.cli.output import Json, ago, duration, facts, indented, lapse, plural, size, table
from ingest.cli.render import pause_text, warning_lines
from ingest.domain.errors import DocumentRejected, classes_below
from ingest.domain.pause import PauseKind
from ingest.domain.stage import STAGES, Stage


def show(screen: Console, job: Json, events: Sequence[Json]) -> None:
    """Print the report."""
    stage = Stage(job["stage"])
    progress = job["progress"]
    chunks = None
    if progress["chunks_total"] is not None:
        chunks = f"{progress['chunks_stored']} of {progress['chunks_total']} stored"
    screen.print(
        facts(
            [
                ("job", job["job_id"]),
                ("document", f"{job['document_id']}, generation {job['generation']}"),
                ("file", f"{job['filename']} ({job['media_type']}, {size(job['bytes_len'])})"),
                (
                    "accepted",
                    f"{_time(job['created_at']).astimezone():%Y-%m-%d %H:%M:%S}, "
                    f"{ago(job['created_at'])}",
                ),
                ("state", _state(job)),
                ("stage", f"{stage.value} ({stage.ordinal + 1} of {len(STAGES)})"),
                ("chunks", chunks),
                ("cause", "the document was degraded" if job["cause"] == "upgrade" else None),
                ("degraded", _degraded(job)),
                ("without", _skipped(job)),
                ("why", _reason(job)),
                ("done in", _time_left(job)),
                ("next", next_steps(job)),
            ]
        )
    )
    if warned := list(warning_lines.lines(job)):
        screen.print()
        screen.print("Warnings:", style="bold")
        for line in warned:
            screen.print(indented(line))
    if events:
        screen.print()
        screen.print(table(["time", "after", "stage", "state", "note"], _rows(events)))


def next_steps(job: Json) -> str:
    """Describe what happens next, or what a person can do."""
    job_id, state = job["job_id"], job["state"]
    code = (job.get("last_error") or {}).get("code")
    if state == "done":
        if job.get("skipped_chunks"):
            return "nothing: the document is searchable, except for its skipped chunks"
        if job.get("warning_count"):
            return "read the warnings below; what was read of the document is searchable"
        return "nothing: the document is searchable"
    if state == "cancelled":
        return "uploading the same file again starts a new job"
    if state == "deadletter":
        if code in document_faults():
            return (
                "the document is at fault: upload a corrected file; "
                f"'ingest retry {job_id}' tries the same bytes again"
            )
        return f"'ingest retry {job_id}' tries again, from the last stage that is stored"
    waiting = job.get("waiting_for") or {}
    steps = {
        "no_worker": "start a worker: 'ingest up'; the job stays in the queue",
        "paused": _resume(waiting.get("pauses") or ()),
        "budget": "the job continues when the budget is raised, or when the day or month ends",
        "provider": "the job continues by itself when the provider answers",
        "parse": "the job continues by itself when the provider has parsed the document",
        "batch": "the job continues when its provider batch is over, within a day: 'ingest "
        "batches'",
    }
    return steps.get(
        waiting.get("reason", ""), f"the job continues by itself; 'ingest cancel {job_id}' stops it"
    )


def document_faults() -> frozenset[str]:
    """Codes of errors that trying again cannot mend."""
    return frozenset(error.code for error in classes_below(DocumentRejected.__name__))


def _reason(job: Json) -> str | None:
    error = job.get("last_error")
    parts = []
    if error and job["state"] != "done":
        where = f" at stage {error['stage']}" if error.get("stage") else ""
        parts.append(f"{error['code']}{where}: {error['message']}")
    if waiting := job.get("waiting_for"):
        parts += _waiting(waiting)
    return "; ".join(parts) or None


def _waiting(waiting: Json) -> list[str]:
    """Describe what an unfinished job waits for, and when it gives up."""
    within = _until(waiting["until"]) if waiting.get("until") else None
    ahead = _ahead(waiting.get("jobs_ahead"))
    match waiting["reason"]:
        case "queue":
            return ["it is in the queue", *ahead]
        case "no_worker":
            return ["no worker takes jobs at the moment", *ahead]
        case "retry":
            return [f"the next attempt starts in {within}"]
        case "worker":
            short = ", ".join(waiting.get("short_of_quota") or ())
            held = f"worker {waiting.get('worker_id')} works on it, under a lease of {within} more"
            return [held, f"calls to {short} wait for quota"] if short else [held]
        case "paused":
            return [_paused(waiting.get("pauses") or ()), *ahead]
        case "parse":
            return ["its parse is under way" + (f", and is given up in {within}" if within else "")]
        case "budget":
            return [f"it waits for budget, and fails if there is none within {within}"]
        case "batch":
            return [f"it waits for its provider batch, and fails if that takes over {within} more"]
        case reason:
            return [f"it waits for the {reason}, and fails if that takes over {within} more"]


def _paused(pauses: Sequence[Json]) -> str:
    if not pauses:
        return "the job was paused, and the pause is over"
    verb = "are" if len(pauses) > 1 or pauses[0]["kind"] == PauseKind.PROVIDER else "is"
    return f"{pause_text.all_of(pauses)} {verb} paused"


def _resume(pauses: Sequence[Json]) -> str:
    if not pauses:
        return "the job continues by itself: the pause is over"
    return f"the job continues after an operator runs {pause_text.resume_commands(pauses)}"


def _degraded(job: Json) -> str | None:
    if not job["degraded"]:
        return None
    parts = " and ".join(job["degraded"])
    return f"done by the local {parts}, because the provider did not answer; done again later"


def _state(job: Json) -> str:
    replays = job.get("replay_count")
    again = f", replayed {plural(replays, 'time')}" if replays else ""
    return f"{job['state']}, attempt {job['attempt']}{again}"


def _time_left(job: Json) -> str | None:
    seconds = (job.get("waiting_for") or {}).get("eta_seconds")
    return None if seconds is None else f"about {duration(seconds)}"


def _skipped(job: Json) -> str | None:
    skipped = job.get("skipped_chunks") or []
    if not skipped:
        return None
    named = ", ".join(f"{chunk['chunk_ord']} ({chunk['code']})" for chunk in skipped[:5])
    more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    return f"{plural(len(skipped), 'chunk')} that the provider refused: {named}{more}"


def _ahead(jobs: int | None) -> list[str]:
    if not jobs:
        return []
    more = " or more" if jobs == MOST_AHEAD else ""
    return [f"{jobs:,}{more} {'job is' if jobs == 1 else 'jobs are'} ahead of it"]


def _until(moment: str) -> str:
    return duration(max(0.0, (_time(moment) - datetime.now(UTC)).total_seconds()))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _rows(events: Sequence[Json]) -> Iterator[Sequence[object]]:
    first = before = _time(events[0]["at"])
    for event in events:
        at = _time(event["at"])
        error = event.get("error")
        note = f"{error['code']}: {error['message']}" if error else ""
        clock = at.astimezone().strftime("%H:%M:%S")
        after = "" if at == first else f"+{lapse(at - before)}"
        yield clock, after, event["stage"], event["state"], note
        before = at
