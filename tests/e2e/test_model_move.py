"""Another embedding model for a running system: searched, uploaded to, flipped, and back again."""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.running_system import RunningSystem, running_system
from benchmarks.simulator import Simulator, running_simulator
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
LOCAL, LARGE = "wordllama-l2-supercat@1", "text-embedding-3-large@1"
BEFORE, DURING = 60, 12
NUMBERS = itertools.count()
"""Questions differ: the same one again would be paid again."""


@pytest.fixture(scope="module")
def openai() -> Iterator[Simulator]:
    with running_simulator("openai", "--latency", "0.2") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def settings(ledger: Ledger, openai: Simulator) -> dict[str, Any]:
    return {
        "database_url": ledger.url,
        "next_model": "text-embedding-3-large",
        "openai_base_url": f"{openai.url}/v1",
        "openai_api_keys": "sk-of-the-test",
        "batch_items": 8,
    }


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]
) -> Iterator[RunningSystem]:
    with running_system(Path(tmp_path_factory.mktemp("system")), **settings) as running:
        yield running


def model(settings: dict[str, Any], *arguments: str) -> dict[str, Any]:
    """What ``ingest model …`` says."""
    environment = os.environ | {f"INGEST_{name.upper()}": str(v) for name, v in settings.items()}
    command = [sys.executable, "-m", "ingest", "model", *arguments, "--json"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    said: dict[str, Any] = json.loads(ended.stdout)
    return said


def upload(client: httpx.Client, number: int) -> None:
    text = f"# Buoy {number}\n\nThe pilot boards at the outer buoy number {number}."
    answer = client.post(
        "/v1/documents", content=text.encode(), headers={"X-Filename": f"{number}.md"}
    )
    assert answer.status_code == 202, answer.text


def search(client: httpx.Client) -> tuple[str, set[str]]:
    """Where was searched, and which documents were found."""
    question = f"where the pilot boards, asked for the {next(NUMBERS)}th time"
    answer = client.post("/v1/search", json={"query": question, "mode": "vector", "k": 100})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    [space] = found["models"]
    return space, {hit["filename"] for hit in found["hits"]}


@contextlib.contextmanager
def searched(url: str, expected: set[str]) -> Iterator[list[str]]:
    """Search without a pause; yields where, and checks that nothing expected is ever missing."""
    spaces: list[str] = []
    missing: list[set[str]] = []
    over = threading.Event()

    def look() -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not over.is_set():
                space, found = search(client)
                spaces.append(space)
                missing.append(expected - found)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield spaces
    finally:
        over.set()
        looking.join()
    assert spaces
    assert [names for names in missing if names] == []


def test_everything_is_found_at_every_moment_and_nothing_is_paid_twice(
    system: RunningSystem, settings: dict[str, Any], ledger: Ledger, openai: Simulator
) -> None:
    with httpx.Client(base_url=system.url, timeout=30) as client:
        for number in range(BEFORE):
            upload(client, number)
        ledger.wait_until_finished(jobs=BEFORE, seconds=60)
        estimate = model(settings, "move", "--dry-run")
        before = {f"{number}.md" for number in range(BEFORE)}
        with searched(system.url, before) as spaces:
            mover = threading.Thread(target=lambda: moved.update(model(settings, "move")))
            moved: dict[str, Any] = {}
            mover.start()
            for number in range(BEFORE, BEFORE + DURING):
                upload(client, number)
            mover.join()
            while LARGE not in spaces:
                pass
        ledger.wait_until_finished(jobs=BEFORE + DURING, seconds=60)
        upload(client, BEFORE + DURING)
        ledger.wait_until_finished(jobs=BEFORE + DURING + 1, seconds=60)
        everything = {f"{number}.md" for number in range(BEFORE + DURING + 1)}

        assert estimate["chunks"] == BEFORE
        assert 0 < float(estimate["usd"]) < 0.001
        assert moved["chunks"] >= BEFORE
        assert spaces[0] == LOCAL
        assert search(client) == (LARGE, everything)
        assert ledger.states() == {"done": BEFORE + DURING + 1}
        assert ledger.faults() == []
        assert openai.stats()["inputs_billed_again"] == 0
        assert ledger.tokens() == openai.stats()["tokens_billed"]

        with searched(system.url, everything) as spaces:
            back = model(settings, "move", "--to", LOCAL)
            while LOCAL not in spaces:
                pass
        assert search(client) == (LOCAL, everything)
        assert 1 <= back["chunks"] <= DURING + 1, "only what came after the flip"

        dropped = model(settings, "drop", LARGE, "--yes")
        assert dropped["removed"] >= BEFORE
        assert search(client) == (LOCAL, everything)
        assert ledger.faults() == []
