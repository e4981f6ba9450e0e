"""A pool that grows with its work and shrinks when it is done, as nodes would come and go."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.own_database import own_database
from benchmarks.queued import enqueue, set_free, wait_until_done
from benchmarks.report import Plot, Report, run
from benchmarks.running_system import RunningSystem, running_system
from benchmarks.simulator import running_simulator

_KEY, _TOKENS = "sk-pools", 1_000_000
_LATENCY = 1.0
_MOST = 4
_SHRINK_SECONDS = 120.0
_BODY = "# Note {number}\n\nThe pilot of ship {number} boards at the outer buoy, two miles off."


def measure(quick: bool) -> Report:
    """Queue work for a pool of one to four, watch it, and let it idle."""
    documents = 60 if quick else 240
    options = (
        "--key",
        _KEY,
        "--tpm",
        str(_TOKENS),
        "--latency",
        str(_LATENCY),
        "--latency-sigma",
        "0.01",
    )
    with (
        own_database() as (folder, url),
        running_simulator("openai", *options) as simulator,
        running_system(
            folder / "s",
            database_url=url,
            **simulator.openai_settings(_KEY, tokens_per_minute=_TOKENS),
            embed_pool_min=1,
            embed_pool_max=_MOST,
            embed_concurrency=1,
            batch_items=1,
        ) as system,
    ):
        enqueue(url, folder / "s" / "blobs", _files(documents))
        with _watched(system) as points:
            began = time.monotonic()
            set_free(url)
            wait_until_done(url)
            worked = time.monotonic() - began
            _wait_until_small(system)
    grown = next((at for at, actors in points if actors >= _MOST), None)
    last = max((at for at, actors in points if actors >= _MOST), default=0.0)
    small = next((at for at, actors in points if at > last and actors <= 1), None)
    return Report(
        "pools",
        {"embed_pool_min": 1, "embed_pool_max": _MOST, "latency_seconds": _LATENCY},
        "one actor, which does a document a second",
        {
            "most_actors": int(max(actors for _, actors in points)),
            "grown_s": grown,
            "shrunk_s": None if small is None else small - last,
            "docs_per_s": documents / worked,
            "ratio_vs_one_actor": documents / worked * _LATENCY,
        },
        dataset="Notes of one sentence; each is a call of its own.",
        plots=[
            Plot(
                "Actors come when work waits, and go when there is none.",
                "seconds since the work began",
                "embed actors",
                lines={"embed actors": points},
            )
        ],
    )


@contextmanager
def _watched(system: RunningSystem) -> Iterator[list[tuple[float, float]]]:
    points: list[tuple[float, float]] = []
    began, over = time.monotonic(), threading.Event()

    def look() -> None:
        points.append((time.monotonic() - began, len(system.processes("EmbedActor"))))

    def watch() -> None:
        while not over.wait(0.5):
            look()
        look()  # once more, or what the run ended with is not among them

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield points
    finally:
        over.set()
        thread.join()


def _wait_until_small(system: RunningSystem) -> None:
    deadline = time.monotonic() + _SHRINK_SECONDS
    while len(system.processes("EmbedActor")) > 1 and time.monotonic() < deadline:
        time.sleep(0.5)


def _files(count: int) -> list[tuple[str, bytes]]:
    return [(f"{number}.md", _BODY.format(number=number).encode()) for number in range(count)]


if __name__ == "__main__":
    run(measure, description=__doc__)
