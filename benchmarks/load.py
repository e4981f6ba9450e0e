"""Ten clients that each send a thousand documents an hour and ask how they get on."""

import asyncio
import math
import random
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from benchmarks.corpus import mixed_corpus
from benchmarks.own_database import own_database
from benchmarks.queued import wait_until_done
from benchmarks.report import Plot, Report, Results, percentile, run
from benchmarks.running_system import RunningSystem, running_system

_CLIENTS, _EACH_AN_HOUR = 10, 1_000
_POOLS = {"parse": 6, "chunk": 6, "embed": 8}
_LOOKS = 3
"""Times that a client asks for each of its jobs."""
_POLL_SECONDS = 0.5
_ACTORS = ("ParseActor", "ChunkActor", "EmbedActor")
_DONE = """
SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'deadletter'),
    extract(EPOCH FROM max(finished_at) - min(created_at))::float8
FROM upload_pipeline.upload_jobs
"""


@dataclass
class Answers:
    """What the gateway answered."""

    upload_ms: list[float] = field(default_factory=list)
    status_ms: list[float] = field(default_factory=list)
    errors: int = 0

    @property
    def all_ms(self) -> list[float]:
        """Of every request."""
        return self.upload_ms + self.status_ms


def measure(quick: bool) -> Report:
    """Keep it up, and see whether the pipeline keeps up."""
    seconds = 20.0 if quick else 300.0
    sizes = {f"{stage}_pool_{end}": n for stage, n in _POOLS.items() for end in ("min", "max")}
    answers = Answers()
    with (
        own_database() as (folder, url),
        # So many processes need a bound on their connections.
        running_system(folder / "s", database_url=url, database_pool_size=2, **sizes) as system,
    ):
        asyncio.run(_send(system.url, seconds, answers))
        done, dead, took = _wait(url)
        memory = _memory_mb(system)
    requests = len(answers.all_ms) + answers.errors
    results: Results = {
        "jobs_per_hour": 3600 * done / took,
        "api_p95_ms": percentile(answers.all_ms, 0.95),
        "upload_p95_ms": percentile(answers.upload_ms, 0.95),
        "status_p95_ms": percentile(answers.status_ms, 0.95),
        "error_pct": 100 * (answers.errors + dead) / requests,
        "jobs": done,
        "requests": requests,
        "workers": len(memory),
        "memory_mb_per_worker": percentile(memory, 0.5),
        "memory_ratio_to_goal": percentile(memory, 0.5) / 100,
        "ratio_to_wanted_pace": done / took / (_CLIENTS * _EACH_AN_HOUR / 3600),
    }
    return Report(
        "load",
        {
            "clients": _CLIENTS,
            "wanted_jobs_per_hour": _CLIENTS * _EACH_AN_HOUR,
            "seconds": seconds,
            **_POOLS,
        },
        "the criteria of the first design: 10,000 jobs an hour, p95 under 100 ms, under 1 % errors,"
        " 20 workers, 100 MB each",
        results,
        dataset="Documents of nine formats, sent at random moments by ten clients.",
        plots=[
            Plot(
                "Time until the gateway answered.",
                "milliseconds",
                "requests",
                samples={"upload": answers.upload_ms, "status": answers.status_ms},
            )
        ],
    )


async def _send(url: str, seconds: float, answers: Answers) -> None:
    count = math.ceil(_EACH_AN_HOUR * seconds / 3600)  # no less than is wanted
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as http:
        clients = [_client(http, number, count, seconds, answers) for number in range(_CLIENTS)]
        await asyncio.gather(*clients)


async def _client(
    http: httpx.AsyncClient, number: int, count: int, seconds: float, answers: Answers
) -> None:
    """Send at random moments, which is harder than at even ones."""
    rng = random.Random(number)
    moments = sorted(rng.uniform(0, seconds) for _ in range(count))
    files = mixed_corpus(count, seed=100 + number)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for moment, (filename, content, _) in zip(moments, files, strict=True):
            await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
            group.create_task(_one(http, filename, content, answers))


async def _one(http: httpx.AsyncClient, filename: str, content: bytes, answers: Answers) -> None:
    request = http.build_request(
        "POST", "/v1/documents", params={"filename": filename}, content=content
    )
    accepted = await _timed(http, request, 202, answers.upload_ms, answers)
    if accepted is None:
        return
    for _ in range(_LOOKS):
        await asyncio.sleep(_POLL_SECONDS)
        request = http.build_request("GET", accepted["status_url"])
        await _timed(http, request, 200, answers.status_ms, answers)


async def _timed(
    http: httpx.AsyncClient, request: httpx.Request, wanted: int, into: list[float], all_: Answers
) -> dict[str, Any] | None:
    began = time.monotonic()
    try:
        answer = await http.send(request)
        if answer.status_code == wanted:
            into.append(1000 * (time.monotonic() - began))
            body: dict[str, Any] = answer.json()
            return body
    except httpx.HTTPError:
        pass
    all_.errors += 1
    return None


def _wait(url: str) -> tuple[int, int, float]:
    """Jobs that were done, jobs that failed, and seconds from the first upload to the last end."""
    wait_until_done(url)
    with psycopg.connect(url) as connection:
        done, dead, seconds = connection.execute(_DONE.encode()).fetchone() or (0, 0, 1.0)
    return done, dead, seconds


def _memory_mb(system: RunningSystem) -> list[float]:
    """Of each actor: what it alone holds; shared pages count for each of their users in part."""
    actors = [process for name in _ACTORS for process in system.processes(name)]
    return [process.memory_full_info().pss / 1e6 for process in actors]


if __name__ == "__main__":
    run(measure, description=__doc__)
