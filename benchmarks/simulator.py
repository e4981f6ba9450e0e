"""Simulated providers as processes of their own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

NO_LIMIT = 100_000
"""Requests a minute; more than any benchmark sends."""


class Simulator:
    """One that runs."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self.client = httpx.Client(base_url=url, timeout=30)

    def openai_settings(self, key: str, *, tokens_per_minute: int) -> dict[str, Any]:
        """What makes a system embed here; tokens are its limit, requests are not."""
        return {
            "embedder": "openai",
            "openai_api_keys": key,
            "openai_base_url": f"{self.url}/v1",
            "openai_requests_per_minute": NO_LIMIT,
            "openai_tokens_per_minute": tokens_per_minute,
        }

    def stats(self) -> dict[str, Any]:
        """Its exact accounts."""
        stats: dict[str, Any] = self.client.get("/sim/stats").raise_for_status().json()
        return stats

    def calls(self) -> list[dict[str, Any]]:
        """Every call it got."""
        calls: list[dict[str, Any]] = self.client.get("/sim/calls").raise_for_status().json()
        return calls

    def script(self, *kinds: str) -> None:
        """The faults of the next requests; ok is none."""
        self.client.post("/sim/script", json=kinds).raise_for_status()

    def faults(self, **fields: object) -> None:
        """Change the schedule of faults."""
        self.client.post("/sim/faults", json=fields).raise_for_status()

    def reset(self) -> None:
        """As if it had just been started."""
        self.client.post("/sim/reset").raise_for_status()


@contextmanager
def running_simulator(kind: str, *options: str) -> Iterator[Simulator]:
    """Start a simulator, wait until it listens, and stop it in the end.

    Raises:
        RuntimeError: it did not start.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "ingest.sim", kind, *options], stdout=subprocess.PIPE, text=True
    )
    try:
        first = process.stdout.readline() if process.stdout else ""
        word, _, url = first.strip().partition(" ")
        if word != "ready":
            raise RuntimeError(f"the simulated {kind} did not start")
        simulator = Simulator(url, process.pid)
        yield simulator
        simulator.client.close()
    finally:
        process.terminate()
        process.wait(10)
