"""A PostgreSQL that a killed process left on the state folder, and those that are in use."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from ingest.adapters.postgres.admin import server_processes
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
from tests.integration.cli_system import clean_environment, ingest

USER = """
import sys
from pathlib import Path
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""
OLD_USER = """
import os, sys
from pathlib import Path
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
Path(sys.argv[1], "postgres/.handle_pids.json").write_text(f"[{os.getpid()}]")
server._hold.release()
print(server.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A state folder with data, and no server on it."""
    with tempfile.TemporaryDirectory(prefix="ingest-made-") as name:
        with EmbeddedPostgres(Path(name)):
            pass
        yield Path(name)


@pytest.fixture
def state(made: Path) -> Iterator[Path]:
    """A copy of it; not in pytest's folder, which the server's user may not enter under root."""
    with tempfile.TemporaryDirectory(prefix="ingest-left-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        subprocess.run(["cp", "-a", f"{made}/.", str(folder)], check=True)
        yield folder
        server_processes.end(folder / "postgres")


@contextmanager
def a_user(state: Path, script: str = USER) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Another process that uses the server of a folder, and the server's pid."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(state)],
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
        process.kill()


def left_by_a_killed_user(state: Path) -> int:
    with a_user(state) as (_, server):
        pass
    assert psutil.pid_exists(server)
    return server


def test_down_ends_a_server_that_a_killed_process_left(state: Path) -> None:
    server = left_by_a_killed_user(state)

    first = ingest("down", INGEST_STATE_DIR=str(state))
    second = ingest("down", "--json", INGEST_STATE_DIR=str(state))

    assert (first.code, first.out) == (
        0,
        "no system runs on this state folder\n"
        f"ended PostgreSQL (pid {server}), which a killed process left behind\n",
    )
    assert server_processes.find(state / "postgres") == []
    assert second.json() == {"stopped": None, "ended": []}


def test_doctor_names_a_server_that_was_left_and_lets_it_run(state: Path) -> None:
    server = left_by_a_killed_user(state)

    outcome = ingest("doctor", "--json", INGEST_STATE_DIR=str(state))

    assert outcome.code == 0, outcome.out
    assert {
        "level": "warn",
        "subject": "system",
        "text": f"PostgreSQL (pid {server}), which a killed process left behind, still runs",
        "advice": "'ingest down' ends it, and so does the next 'ingest up'",
    } in json.loads(outcome.out)
    assert server_processes.server(state / "postgres") == server


def test_a_command_ends_a_server_that_was_left_and_stops_its_own(state: Path) -> None:
    server = left_by_a_killed_user(state)

    outcome = ingest("migrate", INGEST_STATE_DIR=str(state))

    assert outcome.code == 0, outcome.err
    assert f"ending PostgreSQL (pid {server}), which a killed process left behind\n" in outcome.err
    assert server_processes.find(state / "postgres") == []


@pytest.mark.parametrize("script", [USER, OLD_USER], ids=["this version", "an older version"])
def test_a_server_that_another_process_uses_is_left_alone(state: Path, script: str) -> None:
    with a_user(state, script) as (_, server):
        outcome = ingest("down", INGEST_STATE_DIR=str(state))
        with EmbeddedPostgres(state) as joined:
            joined_pid = joined.pid
        found = server_processes.server(state / "postgres")

    assert outcome.out == "no system runs on this state folder\n"
    assert joined_pid == found == server


def test_the_last_user_stops_the_server_also_when_the_first_was_killed(state: Path) -> None:
    with a_user(state) as (first, server), EmbeddedPostgres(state) as second:
        assert second.pid == server
        first.kill()
        first.wait()
        with psycopg.connect(second.start()) as connection:
            connection.execute("SELECT 1")

    assert server_processes.find(state / "postgres") == []


def test_a_server_on_another_folder_is_left_alone(state: Path, made: Path) -> None:
    left_by_a_killed_user(state)
    with EmbeddedPostgres(made) as other:
        ingest("down", INGEST_STATE_DIR=str(state))

        assert other.is_running()
        assert server_processes.server(made.resolve() / "postgres") == other.pid


def test_a_stranger_with_the_pid_of_a_server_that_is_gone_is_left_alone(state: Path) -> None:
    server = left_by_a_killed_user(state)
    note = state / "postgres/postmaster.pid"
    text = note.read_text()
    ingest("down", INGEST_STATE_DIR=str(state))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        note.write_text(text.replace(str(server), str(stranger.pid), 1))

        down = ingest("down", INGEST_STATE_DIR=str(state))
        with EmbeddedPostgres(state) as own, psycopg.connect(own.start()) as connection:
            connection.execute("SELECT 1")

        assert down.out == "no system runs on this state folder\n"
        assert stranger.poll() is None
        stranger.kill()


def test_a_folder_that_was_half_made_is_made_again(state: Path) -> None:
    (state / "postgres").rename(state / "postgres.new")
    os.unlink(state / "postgres.new/global/pg_control")

    with EmbeddedPostgres(state) as server, psycopg.connect(server.start()) as connection:
        row = connection.execute("SELECT 1").fetchone()

    assert row == (1,)
    assert not (state / "postgres.new").exists()


def test_looking_for_what_was_left_makes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "state"

    outcome = ingest("down", INGEST_STATE_DIR=str(folder))

    assert (outcome.code, outcome.out) == (0, "no system runs on this state folder\n")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("folder", "command", "found"),
    [
        ("data", ': "/somewhere/bin/postgres" --boot; sleep 60; true', True),
        ("other", ': "/somewhere/bin/postgres" --boot; sleep 60; true', False),
        ("data", "sleep 60; true", False),
    ],
    ids=["of initdb", "of another folder", "of a person"],
)
def test_a_shell_through_which_initdb_starts_a_server_belongs_to_its_folder(
    tmp_path: Path, folder: str, command: str, found: bool
) -> None:
    data = tmp_path / "data"
    environment = {"PATH": "/usr/bin:/bin", "PGDATA": str(tmp_path / folder)}
    shell = subprocess.Popen(["sh", "-c", command], env=environment, start_new_session=True)
    try:
        assert (shell.pid in {process.pid for process in server_processes.find(data)}) is found
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
