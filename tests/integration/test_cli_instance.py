"""One system a state folder: ``ingest up`` and ``down`` around the lock."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.cli.instance import AlreadyRunning, Instance
from tests.integration.cli_system import clean_environment, ingest

HOLDER = """
import signal, sys
from pathlib import Path
from ingest.cli.instance import Instance
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
instance = Instance(Path(sys.argv[1]))
with instance.held():
    instance.announce("http://127.0.0.1:1")
    print("held", flush=True)
    signal.pause()
"""


@contextmanager
def a_holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the folder, as a running system does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        a_holder(tmp_path) as holder,
        pytest.raises(AlreadyRunning, match=f"as pid {holder.pid}"),
        Instance(tmp_path).held(),
    ):
        pass


def test_a_holder_that_was_killed_leaves_the_folder_free(tmp_path: Path) -> None:
    with a_holder(tmp_path) as holder:
        holder.kill()
        holder.wait()
        instance = Instance(tmp_path)

        assert instance.pid_file.exists()
        assert instance.pid() is None
        assert instance.url() is None
        with instance.held():
            assert instance.pid() == os.getpid()
        assert not instance.pid_file.exists()


def test_a_pid_file_that_nobody_holds_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "ingest.pid").write_text(f"{os.getpid()}\n")

    outcome = ingest("down", INGEST_STATE_DIR=str(tmp_path))

    assert (outcome.code, outcome.out) == (0, "no system runs on this state folder\n")


@pytest.mark.parametrize("detach", [[], ["--detach"]])
def test_up_refuses_a_folder_on_which_a_system_runs(tmp_path: Path, detach: list[str]) -> None:
    with a_holder(tmp_path) as holder:
        outcome = ingest("up", *detach, INGEST_STATE_DIR=str(tmp_path))

    assert outcome.code == 1
    assert outcome.err == (
        f"error: a system runs on {str(tmp_path)!r} as pid {holder.pid}; 'ingest down' stops it\n"
    )


def test_down_stops_exactly_the_process_that_holds_the_folder(tmp_path: Path) -> None:
    with a_holder(tmp_path) as holder, a_holder(tmp_path / "other") as other:
        outcome = ingest("down", INGEST_STATE_DIR=str(tmp_path))

        assert (outcome.code, outcome.out) == (0, f"stopped pid {holder.pid}\n")
        assert holder.wait(10) == 0
        assert other.poll() is None


def test_up_refuses_a_port_that_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        outcome = ingest("up", "--detach", "--port", port, INGEST_STATE_DIR=str(tmp_path))

    assert outcome.code == 2
    assert f"port {port} on 127.0.0.1 cannot be used" in outcome.err
    assert not (tmp_path / "ingest.pid").exists()


def test_up_detached_shows_the_log_of_a_system_that_does_not_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    outcome = ingest(
        "up",
        "--detach",
        INGEST_STATE_DIR=str(tmp_path),
        INGEST_PORT=str(nobody),
        INGEST_DATABASE_URL=f"postgresql://u:secret@127.0.0.1:{nobody}/x",
    )

    assert outcome.code == 2
    assert "  error: the database is not available" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("error: the system ended with exit code 2")
    assert "secret" not in outcome.err
    assert Instance(tmp_path).pid() is None


def test_commands_find_the_system_of_their_state_folder(tmp_path: Path) -> None:
    with a_holder(tmp_path):
        outcome = ingest("jobs", INGEST_STATE_DIR=str(tmp_path))

    assert outcome.err.startswith("error: nothing answers at http://127.0.0.1:1;")
