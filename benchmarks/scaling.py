"""Throughput against the number of embed actors, with a provider that answers in 200 ms.

And with one that takes a second: what actors of one machine wait for each other, its CPUs aside.
And as many calls at once of fewer actors, which is how the settings have it.
"""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psutil
import psycopg

from benchmarks.corpus import prose, write_markdown
from benchmarks.own_database import own_database
from benchmarks.queued import enqueue, set_free, wait_until_done
from benchmarks.report import Plot, Report, Results, run
from benchmarks.running_system import running_system
from benchmarks.simulator import Simulator, running_simulator

_KEY = "sk-scaling"
_LATENCY = 0.2
_LONG_LATENCY = 1.0
"""So long that the CPUs of a small machine have time for many actors."""
_CHUNKS = 1
"""Of a call; a document has one of them, or two."""
_CHARS = 900
"""Of a chunk's text, about."""
_SECONDS = 12
"""For which each actor has work."""
_LONG_SECONDS = 30
"""The same, where the provider takes long."""
_FEW, _CALLS_EACH = 4, 4
"""Actors, and calls of each at once, that come to as many as the largest pool's."""
_WARM_UP = 10
"""Documents for each call at once before it counts."""
_QUOTA = 100_000_000
# The ends are left out: at first the pool fills, at last it runs dry. Calls end in bunches, all of
# a pool at about the same time: the slope through all of them hardly minds where an end cuts one.
_RATE = """
SELECT regr_slope(calls, seconds) FROM (
    SELECT extract(EPOCH FROM finished_at)::float8 AS seconds,
        sum(chunks_total) OVER (ORDER BY finished_at) AS calls,
        percent_rank() OVER (ORDER BY finished_at) AS place
    FROM upload_pipeline.upload_jobs WHERE state = 'done'
) AS ended WHERE place BETWEEN 0.15 AND 0.85
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One pool size."""

    calls_per_second: float
    cpus: float
    """Busy CPUs of the machine, on the average."""


def measure(quick: bool) -> Report:
    """Queue work for a pool of each size, and let it go."""
    pools, seconds = ((1, 16), 4) if quick else ((1, 2, 4, 8, 16), _SECONDS)
    runs = _runs(pools, _LATENCY, seconds)
    alone = runs[1].calls_per_second
    results: Results = {}
    for pool, one in runs.items():
        results[f"calls_per_s_{pool}"] = one.calls_per_second
        if pool > 1:
            results[f"efficiency_{pool}"] = one.calls_per_second / (pool * alone)
        results[f"cpus_{pool}"] = one.cpus
    if not quick:
        slow = _runs((1, max(pools)), _LONG_LATENCY, _LONG_SECONDS)
        [first, last] = [one.calls_per_second for one in slow.values()]
        results[f"efficiency_{max(pools)}_at_{_LONG_LATENCY:.0f}s"] = last / (max(pools) * first)
        few = _runs((_FEW,), _LATENCY, seconds, calls=_CALLS_EACH)[_FEW]
        name = f"{_FEW}x{_CALLS_EACH}"
        results[f"calls_per_s_{name}"] = few.calls_per_second
        results[f"efficiency_{name}"] = few.calls_per_second / (_FEW * _CALLS_EACH * alone)
        results[f"cpus_{name}"] = few.cpus
    most = runs[max(pools)]
    # What a pool waits for, when it is slower than so many of one: of quota there is enough.
    results["limit"] = "cpu" if most.cpus > 0.9 * (psutil.cpu_count() or 1) else "latency"
    return Report(
        "scaling",
        {
            "pools": list(pools),
            "latency_seconds": _LATENCY,
            "long_latency_seconds": _LONG_LATENCY,
            "chunks_per_call": _CHUNKS,
            "calls_at_once_per_actor": 1,
            "fewer_actors": _FEW,
            "calls_at_once_of_each": _CALLS_EACH,
        },
        "one embed actor, times the number of actors",
        results,
        dataset="Markdown notes of a chunk or two, all different; each chunk is a call.",
        plots=[
            Plot(
                "More embed actors, more calls a second, until something else is the limit.",
                "embed actors",
                "calls a second",
                lines={
                    "measured": [(pool, one.calls_per_second) for pool, one in runs.items()],
                    "one actor, times their number": [(pool, pool * alone) for pool in runs],
                },
            )
        ],
    )


def _runs(pools: Sequence[int], latency: float, seconds: float, calls: int = 1) -> dict[int, Run]:
    options = ["--key", _KEY, "--tpm", str(_QUOTA), "--rpm", "100000"]
    options += ["--latency", str(latency), "--latency-sigma", "0.01"]
    with running_simulator("openai", *options) as simulator:
        return {
            pool: _run(pool, calls, simulator, int(pool * calls * seconds / latency))
            for pool in pools
        }


def _run(pool: int, calls: int, simulator: Simulator, documents: int) -> Run:
    with own_database() as (folder, url):
        with running_system(
            folder / "s",
            database_url=url,
            **simulator.openai_settings(_KEY, tokens_per_minute=_QUOTA),
            embed_pool_min=pool,
            embed_pool_max=pool,
            embed_concurrency=calls,
            batch_items=_CHUNKS,
            database_pool_size=2 * calls,
        ):
            blobs = folder / "s" / "blobs"
            enqueue(url, blobs, _files(_WARM_UP * pool * calls))
            set_free(url)
            wait_until_done(url)  # connections are open and caches filled after this
            with psycopg.connect(url) as connection:
                connection.execute("TRUNCATE upload_pipeline.documents CASCADE")
            enqueue(url, blobs, _files(documents))
            psutil.cpu_percent()
            set_free(url)
            wait_until_done(url)
            cpus = psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1)
        with psycopg.connect(url) as connection:
            [rate] = connection.execute(_RATE.encode()).fetchone() or [0.0]
    return Run(rate, cpus)


def _files(count: int) -> Iterator[tuple[str, bytes]]:
    rng = random.Random(count)
    for number in range(count):  # each is different: the same text would not be sent twice
        yield (
            f"{number}.md",
            f"# {time.time_ns()}\n\n".encode() + write_markdown(prose(rng, _CHARS)),
        )


if __name__ == "__main__":
    run(measure, description=__doc__)
