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


def rays(state: Path) -> int:
    """How many Rays keep their files in a state folder."""
    return sum(
        any(str(state) in part for part in process.info["cmdline"] or ())
        and process.info["name"] == "gcs_server"
        for process in psutil.process_iter(["name", "cmdline"])
    )


def test_a_backfill_works_in_the_ray_of_the_running_system(
    system: tuple[RunningSystem, Path], tmp_path: Path
) -> None:
    _, state = system
    most = 0

    running = backfill(state, notes(tmp_path / "in", FEW))
    while running.poll() is None:
        most = max(most, rays(state))
        time.sleep(0.2)
    output, _ = running.communicate()

    assert running.returncode == 0, output
    assert f"{FEW} documents" in output
    assert most == 1


def test_with_other_settings_it_says_so_and_starts_its_own(
    system: tuple[RunningSystem, Path], tmp_path: Path
) -> None:
    _, state = system

    running = backfill(state, notes(tmp_path / "in", FEW), INGEST_CHUNK_TOKENS="128")
    output, _ = running.communicate(timeout=120)

    assert running.returncode == 0, output
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
