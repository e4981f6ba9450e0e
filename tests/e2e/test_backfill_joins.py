"""A backfill beside a running system works in that one's Ray, and shares its rate limiter."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.running_system import RunningSystem, running_system
from ingest.cluster import ray_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FEW, MANY = 3, 4_000


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningSystem, Path]]:
    state = tmp_path_factory.mktemp("j") / "s"
    with running_system(state) as started:
        yield started, state


def backfill(state: Path, folder: Path, **variables: str) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if "INGEST_" not in name}
    environment |= {"INGEST_STATE_DIR": str(state), **variables}
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", "backfill", str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def notes(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.md").write_text(f"# Note {number}\n\nThe pilot boards at {number}.\n")
    return folder


def has_a_ray(process: "subprocess.Popen[str]") -> bool:
    """Whether a process started a Ray of its own."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return any(child.name() == "gcs_server" for child in children)
    except psutil.NoSuchProcess:
        return False


def watched(running: "subprocess.Popen[str]") -> tuple[bool, str]:
    """Whether a backfill had a Ray of its own, and what it said by its end."""
    had_one = False
    while running.poll() is None:
        had_one = had_one or has_a_ray(running)
        time.sleep(0.2)
    output, _ = running.communicate()
    assert running.returncode == 0, output
    return had_one, output


def test_a_backfill_works_in_the_ray_of_the_running_system(
    system: tuple[RunningSystem, Path], tmp_path: Path
) -> None:
    _, state = system

    had_one, output = watched(backfill(state, notes(tmp_path / "in", FEW)))

    assert f"{FEW} documents" in output
    assert not had_one


def test_with_other_settings_it_says_so_and_starts_its_own(
    system: tuple[RunningSystem, Path], tmp_path: Path
) -> None:
    _, state = system

    had_one, output = watched(
        backfill(state, notes(tmp_path / "in", FEW), INGEST_CHUNK_TOKENS="128")
    )

    assert had_one
    assert "the running system has other values of INGEST_CHUNK_TOKENS" in output
    assert f"{FEW} documents" in output


def test_when_the_system_ends_the_backfill_ends_and_can_be_resumed(
    system: tuple[RunningSystem, Path], tmp_path: Path
) -> None:
    started, state = system

    running = backfill(state, notes(tmp_path / "in", MANY))
    time.sleep(12)
    started.process.terminate()
    output, _ = running.communicate(timeout=60)

    assert "stopping, because the running system ended" in output
    assert "run the same command again to resume" in output
    assert ray_folder.leftovers(state) == []
