"""The folders of Ray in a state folder: who holds them, and whose processes are in them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ingest.cluster import ray_folder
from ingest.cluster.ray_folder import RayFolder

Start = Callable[[Path], "subprocess.Popen[bytes]"]
HOLDER = """
import sys
from pathlib import Path
from ingest.cluster import ray_folder
folder = ray_folder.take(Path(sys.argv[1]), print)
print(folder.make(), flush=True)
sys.stdin.read()
"""


@contextmanager
def a_holder(state: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Another process that holds the first folder, and where that is."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes as Ray does: their output goes to a log file."""
    with ExitStack() as stack:

        def starting(log: Path) -> "subprocess.Popen[bytes]":
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as out:
                process = subprocess.Popen(
                    [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=out
                )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield starting


def test_processes_of_a_killed_holder_are_found_and_ended(start: Start, tmp_path: Path) -> None:
    with a_holder(tmp_path) as (_, place):
        worker = start(place / "session/logs/worker.out")
        reader = subprocess.Popen(
            [sys.executable, "-c", "import sys; open(sys.argv[1]); input()", __file__],
            stdin=subprocess.PIPE,
            cwd=place,
        )
        while_held = ray_folder.leftovers(tmp_path), ray_folder.end_leftovers(tmp_path)

    try:
        assert while_held == ([], [])
        assert ray_folder.leftovers(tmp_path) == [worker.pid]
        assert worker.poll() is None
        assert ray_folder.end_leftovers(tmp_path) == [worker.pid]
        assert worker.poll() is not None
        assert reader.poll() is None
    finally:
        reader.kill()
        reader.wait()


def test_the_next_one_ends_what_was_left_and_begins_with_an_empty_folder(
    start: Start, tmp_path: Path
) -> None:
    said: list[str] = []
    with a_holder(tmp_path) as (_, place):
        worker = start(place / "session/logs/worker.out")

    folder = ray_folder.take(tmp_path, said.append)
    folder.make()
    folder.release()

    assert worker.poll() is not None
    assert said == ["ended processes of Ray (1), which a killed process left behind"]
    assert not (place / "session").exists()


def test_two_at_once_have_a_folder_and_a_token_each(tmp_path: Path) -> None:
    with a_holder(tmp_path) as (holder, place):
        (place / "session").mkdir(parents=True)
        second = ray_folder.take(tmp_path, print)

        assert second.make() != place
        assert second.token == tmp_path / "ray-2-token"
        assert (place / "session").exists()
        assert holder.poll() is None
        second.release()

    first = RayFolder(tmp_path, "ray")
    assert first.take()
    first.release()


def test_a_folder_whose_path_is_too_long_is_elsewhere_and_found_there(
    start: Start, tmp_path: Path
) -> None:
    state = tmp_path / ("long" * 10)
    with a_holder(state) as (_, place):
        worker = start(place / "session/logs/worker.out")

    assert len(str(place)) < 40
    assert not place.is_relative_to(tmp_path)
    assert ray_folder.end_leftovers(state) == [worker.pid]
    assert not place.exists()
