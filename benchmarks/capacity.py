"""What the planner says of throughput, against a simulation of its queues and against real runs.

Two runs, of documents of one chunk and of many, say what a document and a chunk cost. From that
the throughput of other documents is predicted, with other pools, latencies and quotas; then it is
measured.
"""

import random
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from benchmarks.corpus import prose, write_markdown
from benchmarks.own_database import own_database
from benchmarks.queue_simulation import Stream
from benchmarks.queued import enqueue, set_free, wait_until_done
from benchmarks.report import Plot, Report, Results, run
from benchmarks.running_system import RunningSystem, running_system
from benchmarks.simulator import Simulator, running_simulator
from benchmarks.stage_cpu import cpu_seconds, of_process
from ingest.domain.capacity import Cost, Fleet, Mix, Provider, Work, bounds

_KEY = "sk-capacity"
_CHARS = 1450
"""Of a chunk, about."""
_PLENTY = 50_000_000
_PROVIDER = Provider(_PLENTY, 100_000, 0.02, Decimal())
_FLEET = Fleet(nodes=1, cpus_per_node=2)
_MIX = """
SELECT count(*)::float8 / count(DISTINCT document_id),
    sum(token_count)::float8 / count(DISTINCT document_id)
FROM upload_pipeline.document_chunks
"""
_DONE = "SELECT count(*) FROM upload_pipeline.upload_jobs WHERE state = 'done'"


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to run."""

    name: str
    chunks: int
    """Of a document, about."""
    documents: int
    provider: Provider = _PROVIDER
    fleet: Fleet = _FLEET
    seconds: tuple[float, float] | None = None
    """Only what ends between these counts; None: from the first document to the last."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run came to."""

    mix: Mix
    calls: float
    """For a document."""
    documents_per_second: float
    cpu: dict[Work, float]
    """Seconds for a document."""
    beside: float
    """The same, of the simulated provider, which shares the machine."""


_ONE_EACH = replace(_FLEET, batch_items=6)
CALIBRATION = (
    Setting("short documents", 1, 1200),
    Setting("long documents", 24, 160),
    Setting("a call each", 5, 300, fleet=_ONE_EACH),
)
SETTINGS = (
    Setting("cpu", 6, 600),
    Setting(
        "latency",
        8,
        50,
        replace(_PROVIDER, latency_seconds=0.5),
        replace(_FLEET, embed_concurrency=1, batch_items=4),
    ),
    # The first minute's quota may be there at once; the next one's comes evenly.
    Setting("quota", 4, 340, replace(_PROVIDER, tokens_per_minute=200_000), seconds=(62, 122)),
)


def measure(quick: bool) -> Report:
    """Calibrate, predict, simulate, run."""
    rounds, share = (1, 0.4) if quick else (3, 1.0)
    settings = SETTINGS[:1] if quick else SETTINGS
    found = _run_all([*CALIBRATION, *settings], rounds, share)
    known = [found[setting] for setting in CALIBRATION]
    costs = {work: _fit(known, [one.cpu[work] for one in known]) for work in Work}
    beside = _fit(known, [one.beside for one in known])
    results: Results = {}
    for work, cost in costs.items():
        results[f"{work}_ms_per_document"] = 1000 * cost.per_document
        results[f"{work}_ms_per_chunk"] = 1000 * cost.per_chunk
        results[f"{work}_ms_per_call"] = 1000 * cost.per_call
    errors, doubts, points = [], [], []
    for setting in settings:
        real = found[setting]
        tightest = bounds(real.mix, costs, setting.fleet, setting.provider, beside=beside)[0]
        said = tightest.documents_per_second
        simulated = Stream(real.mix, costs, setting.fleet, setting.provider, beside).rate(2000)
        errors.append(100 * abs(said / real.documents_per_second - 1))
        doubts.append(100 * abs(said / simulated - 1))
        points.append((real.documents_per_second, said))
        results |= {
            f"{setting.name}_real": real.documents_per_second,
            f"{setting.name}_predicted": said,
            f"{setting.name}_simulated": simulated,
            f"{setting.name}_bottleneck": tightest.resource,
        }
    results["worst_error_pct"] = max(errors)
    results["worst_simulation_pct"] = max(doubts)
    return Report(
        "capacity",
        {"runs": len(settings), "rounds": rounds, "pools": "1 actor a stage"},
        "real runs of the same settings, a simulation of the queues",
        results,
        dataset="Markdown documents of 1, 5 and 24 chunks to calibrate, of 4, 6 and 8 to predict.",
        plots=[
            Plot(
                "Each point is a setting; on the line, what was predicted is what was measured.",
                "documents a second, measured",
                "documents a second, predicted",
                lines={
                    "settings": sorted(points),
                    "as measured": sorted((real, real) for real, _ in points),
                },
            )
        ],
    )


def _run_all(settings: Sequence[Setting], rounds: int, share: float) -> dict[Setting, Measured]:
    """Run those that differ in their documents alone in one system, one after the other."""
    found: dict[Setting, list[Measured]] = {setting: [] for setting in settings}
    ways = {(setting.provider, setting.fleet): None for setting in settings}
    for provider, fleet in ways:
        alike = [s for s in settings if (s.provider, s.fleet) == (provider, fleet)]
        with _bench(provider, fleet) as bench:
            bench.run(CALIBRATION[0], 0.1)  # actors and connections are warm after this
            for done in range(rounds):
                for setting in alike:
                    if not done or setting.seconds is None:  # a minute is an average of its own
                        found[setting].append(bench.run(setting, share))
    return {setting: _median(runs) for setting, runs in found.items()}


def _median(runs: Sequence[Measured]) -> Measured:
    return Measured(
        runs[0].mix,
        runs[0].calls,
        statistics.median(one.documents_per_second for one in runs),
        {work: statistics.median(one.cpu[work] for one in runs) for work in Work},
        statistics.median(one.beside for one in runs),
    )


def _fit(known: Sequence[Measured], seconds: Sequence[float]) -> Cost:
    """What a document, a chunk and a call cost, so that it explains what was measured."""
    shares = [[1.0, one.mix.chunks, one.calls] for one in known]
    return Cost(*np.clip(np.linalg.lstsq(np.array(shares), np.array(seconds))[0], 0.0, None))


@contextmanager
def _bench(provider: Provider, fleet: Fleet) -> Iterator["_Bench"]:
    tokens = int(provider.tokens_per_minute)
    options = ["--key", _KEY, "--tpm", str(tokens), "--rpm", "100000"]
    options += ["--latency", str(provider.latency_seconds), "--latency-sigma", "0.01"]
    with (
        own_database() as (folder, url),
        running_simulator("openai", *options) as simulator,
        running_system(
            folder / "s",
            database_url=url,
            **simulator.openai_settings(_KEY, tokens_per_minute=tokens),
            embed_concurrency=fleet.embed_concurrency,
            batch_items=fleet.batch_items,
        ) as system,
    ):
        yield _Bench(url, folder / "s" / "blobs", system, simulator)


class _Bench:
    """A system, its database and its provider."""

    def __init__(self, url: str, blobs: Path, system: RunningSystem, simulator: Simulator) -> None:
        self._url = url
        self._blobs = blobs
        self._system = system
        self._simulator = simulator

    def run(self, setting: Setting, share: float) -> Measured:
        """Let a share of a setting's documents through an empty database."""
        count = int(setting.documents * share)
        self._query("TRUNCATE upload_pipeline.documents, upload_pipeline.events CASCADE")
        enqueue(self._url, self._blobs, _files(setting, count))
        before, aside = cpu_seconds(self._system), of_process(self._simulator.pid)
        calls = self._simulator.stats()["requests"]
        set_free(self._url)
        began = time.monotonic()
        rate = self._rate_between(*setting.seconds) if setting.seconds else None
        wait_until_done(self._url)
        rate = rate or count / (time.monotonic() - began)
        after, beside = cpu_seconds(self._system), of_process(self._simulator.pid) - aside
        [[chunks, sent]] = self._query(_MIX)
        return Measured(
            Mix(chunks, sent),
            (self._simulator.stats()["requests"] - calls) / count,
            rate,
            {work: (after[work] - before[work]) / count for work in Work},
            beside / count,
        )

    def _rate_between(self, first: float, last: float) -> float:
        time.sleep(first)
        [[before]] = self._query(_DONE)
        time.sleep(last - first)
        [[after]] = self._query(_DONE)
        return float(after - before) / (last - first)

    def _query(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            answer = connection.execute(query.encode())
            return answer.fetchall() if answer.description else []


def _files(setting: Setting, count: int) -> list[tuple[str, bytes]]:
    rng = random.Random(time.time_ns())  # a text that was there before would not be sent again
    return [
        (f"{number}.md", write_markdown(prose(rng, _CHARS * setting.chunks)))
        for number in range(count)
    ]


if __name__ == "__main__":
    run(measure, description=__doc__)
