"""Uploads and status requests at a fixed rate, whatever the answers take (open loop)."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.report import Report, Results, percentile, run
from benchmarks.running_system import running_system

_RATE = 50
_WARM_UP_SECONDS = 2.0
_TEXT = "# Note {number}\n\nThe harbour office keeps key {number} of shed {stamp} in a drawer.\n"


@dataclass
class Load:
    """Requests under way, and what became of the others."""

    client: httpx.AsyncClient
    jobs: list[str] = field(default_factory=list)
    upload_ms: list[float] = field(default_factory=list)
    status_ms: list[float] = field(default_factory=list)
    errors: int = 0
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def upload(self, due: float) -> None:
        """Send one small document."""
        text = _TEXT.format(number=next(self.numbers), stamp=time.time_ns())
        answer = await self.client.post(
            "/v1/documents", content=text.encode(), headers={"X-Filename": "note.md"}
        )
        self._note(self.upload_ms, answer, due, wanted=202)
        self.jobs.append(answer.json()["job_id"])

    async def status(self, due: float) -> None:
        """Ask for a job."""
        job = self.jobs[len(self.status_ms) % len(self.jobs)]
        answer = await self.client.get(f"/v1/jobs/{job}")
        self._note(self.status_ms, answer, due, wanted=200)

    def _note(self, into: list[float], answer: httpx.Response, due: float, *, wanted: int) -> None:
        into.append(1000 * (time.monotonic() - due))
        self.errors += answer.status_code != wanted

    async def send(self, request: Callable[[float], Awaitable[None]], due: float) -> None:
        """Send a request when it is due; its time counts from then on."""
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        try:
            await request(due)
        except (httpx.HTTPError, KeyError, ValueError):
            self.errors += 1


def measure(quick: bool) -> Report:
    """Measure Serve's Python proxy, then HAProxy, whose stop alone takes 30 seconds."""
    seconds = 10 if quick else 30
    results: Results = {}
    for prefix, proxy in (("", "python"), ("haproxy_", "haproxy"))[: 1 if quick else 2]:
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
            running_system(Path(folder), http_proxy=proxy) as system,
        ):
            found = asyncio.run(_load(system.url, seconds))
        results |= {f"{prefix}{key}": value for key, value in found.items()}
    settings = {"requests_per_s": _RATE, "seconds": seconds, "mix": "half uploads, half status"}
    if quick:
        return Report("http", settings, "none in the quick variant", results)
    results["ratio_upload_p95_haproxy_to_python"] = float(
        results["haproxy_upload_p95_ms"] or 0
    ) / float(results["upload_p95_ms"] or 1)
    return Report("http", settings, "Serve's Python proxy (without prefix)", results)


async def _load(url: str, seconds: float) -> Results:
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        warm = Load(client)
        await _run(warm, _WARM_UP_SECONDS)
        load = Load(client, jobs=warm.jobs)
        await _run(load, seconds)
    return {
        "upload_p50_ms": percentile(load.upload_ms, 0.5),
        "upload_p95_ms": percentile(load.upload_ms, 0.95),
        "status_p50_ms": percentile(load.status_ms, 0.5),
        "status_p95_ms": percentile(load.status_ms, 0.95),
        "requests": len(load.upload_ms) + len(load.status_ms),
        "errors": load.errors,
    }


async def _run(load: Load, seconds: float) -> None:
    if not load.jobs:
        await load.upload(time.monotonic())
    began = time.monotonic()
    sent = [
        load.send(load.status if number % 2 else load.upload, began + number / _RATE)
        for number in range(int(seconds * _RATE))
    ]
    await asyncio.gather(*sent)


if __name__ == "__main__":
    run(measure, description=__doc__)
