"""Two versions at once on one database, while documents flow: expand, roll, contract."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.corpus import mixed_corpus
from benchmarks.running_system import RunningSystem, running_system
from ingest.adapters.postgres.admin.migrate import head
from tests.ledger import Ledger
from tests.versions import CONTRACT, EXPAND, ROOT, next_version

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
FILES = 40


def test_nothing_is_lost_when_versions_change_under_load(tmp_path: Path, ledger: Ledger) -> None:
    expanded = next_version(tmp_path / "one", "9001", head(), EXPAND)
    contracted = next_version(tmp_path / "two", "9002", "9001", CONTRACT, base=expanded)
    shared: dict[str, Any] = {
        "database_url": ledger.url,
        "blob_url": (tmp_path / "blobs").as_uri(),
    }
    with running_system(tmp_path / "old", wave_jobs=4, **shared) as old:
        assert "needs 9001" in _refused(expanded, tmp_path / "refused", shared)
        with _fitting(old), _uploading(old, seed=1) as uploaded:
            _wait_for(lambda: ledger.finished() >= 5)
            assert f"from {head()} to 9001" in _migrate(expanded, ledger.url)
        with _code(expanded), running_system(tmp_path / "new", **shared) as new:
            with _fitting(new), _uploading(new, seed=2) as more:
                _stop(old)
            with _fitting(new), _uploading(new, seed=3) as last:
                assert "from 9001 to 9002" in _migrate(contracted, ledger.url)
            ledger.wait_until_finished(jobs=3 * FILES, seconds=120)
            builds = ledger._rows("SELECT build FROM upload_pipeline.workers WHERE build <> ''")

    assert [*uploaded, *more, *last] == [202] * (3 * FILES)
    assert ledger.states() == {"done": 3 * FILES}
    assert ledger.faults() == []
    assert _failed_attempts(ledger) == 0
    assert builds, "the new version never worked with its own column"
    refusal = _refused(ROOT, tmp_path / "refused", shared)
    assert f"at schema 9002, which needs code of 9001; this code has {head()}" in refusal


@contextmanager
def _code(folder: Path) -> Iterator[None]:
    """Processes that are started run the code of this folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        patch.chdir(folder)
        yield


def _run(folder: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    with _code(folder):
        return subprocess.run(
            [sys.executable, "-m", "ingest", *arguments],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("INGEST_")},
                **{f"INGEST_{name.upper()}": value for name, value in settings.items()},
            },
            capture_output=True,
            text=True,
            timeout=120,
        )


def _migrate(folder: Path, url: str) -> str:
    ended = _run(folder, "migrate", database_url=url)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _refused(folder: Path, state: Path, settings: dict[str, str]) -> str:
    """What ``ingest up`` says when it does not start."""
    ended = _run(folder, "up", "--port", "18999", state_dir=str(state), **settings)
    assert ended.returncode == 2, ended.stderr
    return ended.stderr


@contextmanager
def _uploading(system: RunningSystem, *, seed: int) -> Iterator[list[int]]:
    """Documents flow in during the block, and all of them are sent at its end."""
    answers: list[int] = []

    def upload() -> None:
        with httpx.Client(base_url=system.url, timeout=60) as client:
            for filename, content, _ in mixed_corpus(FILES, seed=seed):
                name = {"X-Filename": f"{seed}-{filename}"}
                answer = client.post("/v1/documents", content=content, headers=name)
                answers.append(answer.status_code)
                time.sleep(0.02)

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        yield answers
    finally:
        thread.join(120)


@contextmanager
def _fitting(system: RunningSystem) -> Iterator[None]:
    """The system is asked all the time whether it is ready, and always is."""
    stop, wrong = threading.Event(), list[str]()

    def ask() -> None:
        with httpx.Client(base_url=system.url, timeout=30) as client:
            while not stop.is_set():
                answer = client.get("/readyz")
                wrong.extend(answer.json()["problems"])
                stop.wait(0.1)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert wrong == []


def _stop(system: RunningSystem) -> None:
    system.process.terminate()
    system.process.wait(90)


def _failed_attempts(ledger: Ledger) -> int:
    query = "SELECT sum(attempt_count) FROM upload_pipeline.upload_jobs"
    return int(str(ledger._rows(query)[0][0]))


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, "the system does not work on the upload"
        time.sleep(0.05)
