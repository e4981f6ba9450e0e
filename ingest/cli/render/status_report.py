"""The report of ``ingest status``: readiness, queue, speed and workers of a system."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Group, RenderableType
from rich.text import Text

from ingest.cli.client.gateway_client import GatewayClient
from ingest.cli.exit_codes import Refused
from ingest.cli.output import Json, duration, facts, plural, table
from ingest.domain.job import FINAL_STATES, JobState, WaitReason
from ingest.domain.stage import STAGES

_WINDOW_SECONDS = 60.0
_RECENT_JOBS = 200
_FINAL = frozenset(state.value for state in FINAL_STATES)
_REASONS: dict[str, str] = {
    WaitReason.PROVIDER: "a provider",
    WaitReason.BUDGET: "a budget",
    WaitReason.PAUSED: "a provider that is paused",
    WaitReason.PARSE: "a parse",
    WaitReason.BATCH: "a provider batch",
}
_STATES = [state.value for state in JobState]


async def read(gateway: GatewayClient, *, before: Json | None = None) -> Json:
    """Read the state of a system.

    Args:
        gateway: Client of the system's gateway.
        before: The previous reading, to compute the speed since then; None takes the last minute.
    """
    ready, about = await gateway.readiness()
    samples = list(_samples(await gateway.text("/metrics")))
    jobs = [
        {**{name: labels[name] for name in ("lane", "stage", "state")}, "jobs": int(value)}
        for name, labels, value in samples
        if name == "ingest_jobs" and value
    ]
    oldest = [value for name, _, value in samples if name == "ingest_oldest_due_seconds"]
    single = {name: int(value) for name, labels, value in samples if not labels}
    reading: Json = {
        "url": gateway.url,
        "ready": ready,
        "problems": about.get("problems") or ([] if ready else [about.get("detail")]),
        "version": about.get("version"),
        "parser": about.get("parser"),
        "embedder": about.get("embedder"),
        "database_up": bool(single.get("ingest_database_up")),
        "documents": single.get("ingest_documents"),
        "chunks": single.get("ingest_chunks"),
        "degraded": single.get("ingest_degraded_documents"),
        "jobs": jobs,
        "waiting": {
            labels["reason"]: int(value)
            for name, labels, value in samples
            if name == "ingest_waiting_jobs" and value
        },
        "oldest_due_seconds": round(max(oldest, default=0.0), 1),
        "stuck": sum(int(value) for name, _, value in samples if name == "ingest_stuck_jobs"),
        "workers": about.get("workers") or [],
        "pauses": about.get("pauses") or {},
        "providers": about.get("providers") or [],
        "budgets": about.get("budgets") or {},
        "clock": time.time(),
    }
    reading["finished_per_second"] = (
        await _recent_speed(gateway) if before is None else _speed_since(before, reading)
    )
    return reading


def picture(reading: Json) -> RenderableType:
    """Format a reading for a person; a system that did not answer has only problems."""
    ready = reading["ready"]
    parts: list[RenderableType] = [
        Text.assemble(
            ("ready" if ready else "not ready", "bold green" if ready else "bold red"),
            f"  {reading['url']}",
        )
    ]
    parts += [Text(f"  {problem}", style="red") for problem in reading["problems"] if problem]
    if reading.get("database_up"):
        parts.append(facts(_figures(reading)))
    if reading.get("jobs"):
        parts += [Text(), _queue(reading)]
    return Group(*parts)


def _figures(reading: Json) -> Iterator[tuple[str, object]]:
    waiting, speed = _unfinished(reading), reading["finished_per_second"]
    documents, chunks = plural(reading["documents"], "document"), plural(reading["chunks"], "chunk")
    yield "searchable", f"{documents}, {chunks}"
    yield "degraded", _degraded(reading["degraded"])
    yield "unfinished", plural(waiting, "job")
    yield "oldest due", duration(reading["oldest_due_seconds"]) if waiting else None
    yield "speed", None if speed is None else f"{speed:.1f} jobs/s"
    yield "left", _left(reading)
    yield "waiting", _waiting(reading["waiting"])
    yield "stuck", _stuck(reading)
    yield "paused", _paused(reading["pauses"])
    yield "workers", _workers(reading)
    yield "parser", reading["parser"]
    yield "embedder", reading["embedder"]
    for provider in reading["providers"]:
        yield provider["provider"], _provider(provider)
    yield "budgets", _budgets(reading["budgets"])
    yield "version", reading["version"]


def _queue(reading: Json) -> RenderableType:
    counts: Counter[tuple[str, str]] = Counter()
    for row in reading["jobs"]:
        counts[row["stage"], row["state"]] += row["jobs"]
    states = [state for state in _STATES if any(s == state for _, s in counts)]
    rows = [
        [stage.value, *(counts[stage.value, state] or None for state in states)]
        for stage in STAGES
        if any(s == stage.value for s, _ in counts)
    ]
    return table(["stage", *states], rows, right=states)


def _left(reading: Json) -> str | None:
    """Estimate the time for the jobs that can run; jobs that wait are left out."""
    speed, unfinished, moving = (
        reading["finished_per_second"],
        _unfinished(reading),
        _moving(reading),
    )
    if not moving or not speed:
        return None
    held = unfinished - moving
    without = f", without the {plural(held, 'job')} that wait" if held else ""
    return duration(moving / speed) + without


def _moving(reading: Json) -> int:
    """Count unfinished jobs that wait for nothing, in lanes that are not paused."""
    pauses = reading["pauses"]
    if pauses.get("everything"):
        return 0
    return sum(
        row["jobs"]
        for row in reading["jobs"]
        if row["state"] not in _FINAL
        and row["state"] != JobState.WAITING
        and row["lane"] not in pauses.get("lanes", ())
    )


def _waiting(reasons: Json) -> str | None:
    """List the reasons why jobs wait, the most frequent first."""
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    said = [f"{plural(count, 'job')} for {_REASONS.get(name, name)}" for name, count in ordered]
    return ", ".join(said) or None


def _degraded(documents: int | None) -> str | None:
    if not documents:
        return None
    return f"{plural(documents, 'document')}, processed again when the provider answers"


def _workers(reading: Json) -> str:
    alive = [worker for worker in reading["workers"] if worker.get("alive")]
    if not alive:
        return "none: nothing is processed"
    lanes = Counter(str(worker["lane"]) for worker in alive)
    draining = sum(bool(worker.get("draining")) for worker in alive)
    text = ", ".join(f"{count} {lane}" for lane, count in sorted(lanes.items()))
    return f"{text} ({draining} draining)" if draining else text


def _stuck(reading: Json) -> str | None:
    stuck = reading["stuck"]
    return f"{plural(stuck, 'job')} stuck; see ingest_stuck_jobs at /metrics" if stuck else None


def _paused(pauses: Json) -> str | None:
    """Name the paused work, in one line."""
    said = ["everything"] if pauses.get("everything") else []
    said += [f"lane {lane}" for lane in pauses.get("lanes", ())]
    said += [f"calls to {provider}" for provider in pauses.get("providers", ())]
    said += [plural(pauses["tenants"], "tenant")] if pauses.get("tenants") else []
    return ", ".join(said) or None


def _provider(provider: Json) -> str:
    """Describe a provider's key in one line."""
    parts = [f"{provider['model']}, key {provider['key']}"]
    if provider["breaker"] != "closed":
        parts.append(f"circuit breaker: {breaker(provider)}")
    if provider["waiting"]:
        parts.append(f"{plural(provider['waiting'], 'call')} wait for quota")
    left = [f"{plural(provider['requests_left'], 'request')}"]
    if provider["tokens_left"] is not None:
        left.append(plural(provider["tokens_left"], "token"))
    parts.append(f"{' and '.join(left)} left this minute")
    if provider["last_success_seconds"] is not None:
        parts.append(f"answered {duration(provider['last_success_seconds'])} ago")
    return ", ".join(parts)


def breaker(provider: Json) -> str:
    """Describe the state of the circuit breaker of a provider's key."""
    words = {
        "open": "no calls for a while",
        "half_open": "testing whether it is back",
        "stopped": "no calls until an operator has replaced the key",
    }
    said = words.get(provider["breaker"]) or str(provider["breaker"])
    return f"{said} ({provider['last_error']})" if provider.get("last_error") else said


def _budgets(counts: Json) -> str | None:
    if not counts.get("set"):
        return None
    states = (("exhausted", "used up"), ("over_soft", "over their soft limit"))
    said = [f"{counts[state]} {words}" for state, words in states if counts.get(state)]
    return ", ".join([f"{counts['set']} set", *said])


def _unfinished(reading: Json) -> int:
    return sum(row["jobs"] for row in reading["jobs"] if row["state"] not in _FINAL)


def _finished(reading: Json) -> int:
    return sum(row["jobs"] for row in reading["jobs"] if row["state"] in _FINAL)


def _speed_since(before: Json, now: Json) -> float | None:
    passed = now["clock"] - before["clock"]
    ended = _finished(now) - _finished(before)
    return round(max(0, ended) / passed, 2) if passed > 0 else None


async def _recent_speed(gateway: GatewayClient) -> float | None:
    """Jobs of this tenant per second that ended in the last minute; None without access."""
    try:
        page = await gateway.get("/v1/jobs", state=JobState.DONE.value, limit=_RECENT_JOBS)
    except Refused:
        return None
    now = datetime.now(UTC)
    ages = [
        (now - datetime.fromisoformat(job["finished_at"])).total_seconds() for job in page["jobs"]
    ]
    recent = [age for age in ages if age <= _WINDOW_SECONDS]
    full = len(recent) == _RECENT_JOBS
    return round(len(recent) / (max(recent) if full else _WINDOW_SECONDS), 2)


def _samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, dict(sample.labels), sample.value
