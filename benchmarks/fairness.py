"""What two backfills take from an interactive user, and from each other, of one quota."""

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg

from benchmarks.corpus import prose, write_markdown
from benchmarks.own_database import own_database
from benchmarks.ray_nodes import RayNodes, ray_access
from benchmarks.report import Plot, Report, Results, percentile, run
from benchmarks.running_system import running_system
from benchmarks.simulator import Simulator, running_simulator
from ingest.domain.identity import tenant_id_of

_KEY, _TOKENS_PER_MINUTE = "sk-fairness", 240_000
_LATENCY = 0.3
_TENANTS = ("first", "second")
_CHARS = 12_000
_EVERY_SECONDS = 0.75
_WARM_UPS = 12
_FLOWS_SECONDS = 120.0
_FLOWING = 3
"""Documents after which a backfill has started: its actors take seconds of CPU to do so."""
_DOCUMENTS = 600
"""More than a backfill can finish while it is watched."""
_DONE = """
SELECT count(*) FROM upload_pipeline.upload_jobs WHERE state = 'done' AND lane = 'backfill'
    AND tenant_id = %s
"""
_TOOK = """
SELECT 1000 * extract(EPOCH FROM finished_at - created_at)::float8
FROM upload_pipeline.upload_jobs WHERE job_id = ANY(%s) AND state = 'done'
"""


class Watch:
    """An interactive user, and what became of everybody's documents."""

    def __init__(self, url: str, api: str) -> None:
        self._database = psycopg.connect(url, autocommit=True)
        self._api = httpx.Client(base_url=api, timeout=60)
        self._rng = random.Random(5)

    def upload(self, seconds: float) -> list[float]:
        """Send a note now and then; milliseconds until each was searchable."""
        jobs, ends = [], time.monotonic() + seconds
        while time.monotonic() < ends:
            began = time.monotonic()
            note = f"# Note {self._rng.random()}\n\nThe pilot boards at the outer buoy."
            answer = self._api.post(
                "/v1/documents", content=note.encode(), headers={"X-Filename": "note.md"}
            )
            jobs.append(answer.raise_for_status().json()["job_id"])
            time.sleep(max(0.0, _EVERY_SECONDS - (time.monotonic() - began)))
        deadline = time.monotonic() + 60
        while len(found := self._database.execute(_TOOK, [jobs]).fetchall()) < len(jobs):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(jobs) - len(found)} notes are not searchable")
            time.sleep(0.2)
        return [took for (took,) in found]

    def done(self, tenant: str) -> int:
        """Documents of a backfill that are searchable."""
        row = self._database.execute(_DONE, [tenant_id_of(tenant)]).fetchone()
        return int(row[0]) if row else 0

    def wait_until_both_flow(self) -> None:
        """Return once both backfills have made some more searchable."""
        deadline = time.monotonic() + _FLOWS_SECONDS
        wanted = [self.done(tenant) + _FLOWING for tenant in _TENANTS]
        while any(self.done(t) < enough for t, enough in zip(_TENANTS, wanted, strict=True)):
            if time.monotonic() > deadline:
                raise RuntimeError("a backfill does not flow")
            time.sleep(0.5)

    def close(self) -> None:
        """Hang up."""
        self._database.close()
        self._api.close()


def measure(quick: bool) -> Report:
    """Watch the user alone, then beside both backfills, in turns."""
    rounds, seconds = (1, 12.0) if quick else (3, 45.0)
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    shares: list[list[int]] = []
    with ExitStack() as stack:
        folder, url = stack.enter_context(own_database())
        options = ("--key", _KEY, "--tpm", str(_TOKENS_PER_MINUTE), "--latency", str(_LATENCY))
        openai = stack.enter_context(running_simulator("openai", *options))
        environment, api = stack.enter_context(_cluster(folder, url, openai))
        watch = Watch(url, api)
        stack.callback(watch.close)
        watch.upload(_WARM_UPS * _EVERY_SECONDS)
        for number in range(rounds):
            alone.append(watch.upload(seconds))
            with _backfills(folder / str(number), environment):
                watch.wait_until_both_flow()
                before = [watch.done(tenant) for tenant in _TENANTS]
                beside.append(watch.upload(seconds))
                after = [watch.done(tenant) for tenant in _TENANTS]
            shares.append([late - early for late, early in zip(after, before, strict=True)])
        stats = openai.stats()
    return _report(alone, beside, shares, stats, seconds)


def _report(
    alone: list[list[float]],
    beside: list[list[float]],
    shares: list[list[int]],
    stats: dict[str, float],
    seconds: float,
) -> Report:
    moved = [
        percentile(late, 0.95) / percentile(early, 0.95)
        for early, late in zip(alone, beside, strict=True)
    ]
    ours = {"alone": [x for ms in alone for x in ms], "beside": [x for ms in beside for x in ms]}
    results: Results = {
        **{f"{name}_p50_ms": percentile(ms, 0.5) for name, ms in ours.items()},
        **{f"{name}_p95_ms": percentile(ms, 0.95) for name, ms in ours.items()},
        "moved_pct": 100 * (statistics.median(moved) - 1),
        "ratio_between_backfills": statistics.median(min(s) / max(1, *s) for s in shares),
        "backfilled_docs": sum(map(sum, shares)),
        "peak_minute_ratio": stats["peak_tokens_in_a_minute"] / _TOKENS_PER_MINUTE,
        "http_429": stats["http_429"],
    }
    return Report(
        "fairness",
        {
            "tokens_per_minute": _TOKENS_PER_MINUTE,
            "latency_seconds": _LATENCY,
            "seconds": seconds,
            "rounds": len(alone),
        },
        "the same uploads with nothing beside them",
        results,
        dataset=f"Notes, one every {_EVERY_SECONDS} s; backfills of Markdown of 12 KB.",
        plots=[
            Plot("Time until a note was searchable.", "milliseconds", "notes", samples=ours),
        ],
    )


@contextmanager
def _cluster(folder: Path, url: str, openai: Simulator) -> Iterator[tuple[dict[str, str], str]]:
    """A Ray cluster with a system in it; what a backfill needs to join, and the API."""
    settings = {
        "database_url": url,
        "blob_url": (folder / "blobs").as_uri(),
        **openai.openai_settings(_KEY, tokens_per_minute=_TOKENS_PER_MINUTE),
    }
    named = {f"INGEST_{name.upper()}": str(value) for name, value in settings.items()}
    with ray_access(folder / "ray-token") as access, ExitStack() as stack:
        nodes = RayNodes(folder / "ray", {**access, **named, "RAY_worker_niceness": "0"})
        stack.callback(nodes.stop)
        nodes.start()
        system = stack.enter_context(
            running_system(folder / "s", ray_address=nodes.address, **settings)
        )
        yield {**os.environ, **named, "INGEST_RAY_ADDRESS": nodes.address}, system.url


@contextmanager
def _backfills(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Two that run, each of a tenant of its own; they are ended in good order."""
    running = []
    for number, tenant in enumerate(_TENANTS):
        place = folder / tenant
        place.mkdir(parents=True)
        rng = random.Random(f"{folder.name} {number}")
        for name in range(_DOCUMENTS):
            (place / f"{name}.md").write_bytes(write_markdown(prose(rng, _CHARS)))
        command = [sys.executable, "-m", "ingest", "backfill", str(place)]
        command += ["--tenant", tenant, "--create-tenant"]
        state = str(folder / f"state-{tenant}")
        running.append(
            subprocess.Popen(  # noqa: S603 - our own command
                command,
                env={**environment, "INGEST_STATE_DIR": state},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(120)


if __name__ == "__main__":
    run(measure, description=__doc__)
