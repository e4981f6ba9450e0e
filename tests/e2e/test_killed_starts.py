"""``ingest up`` ended at every instant of its start: nothing of it stays behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from benchmarks.running_system import free_port
from tests.integration.cli_system import ingest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
INTERRUPTED_START = 143
_POLL_SECONDS = 0.005
_START_SECONDS = 150.0
_STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Up:
    """A system that was started by ``ingest up``, ready or not."""

    state: Path
    process: "subprocess.Popen[bytes]"

    @property
    def log_file(self) -> Path:
        """Beside the state folder: in it, it would be a file of somebody else."""
        return self.state.with_name("up.log")

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def wait_for(self, instant: Callable[["Up"], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not instant(self):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(_POLL_SECONDS)

    def end_by(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(_STOP_SECONDS)


def printed(line: str) -> Callable[[Up], bool]:
    return lambda up: line in up.log


def exists(pattern: str) -> Callable[[Up], bool]:
    return lambda up: any(up.state.glob(pattern))


def database_is_up(up: Up) -> bool:
    with suppress(OSError):
        return "ready" in (up.state / "postgres/postmaster.pid").read_text()
    return False


def schema_is_being_made(up: Up) -> bool:
    if not database_is_up(up):
        return False
    with psycopg.connect(host=str(up.state / "postgres"), user="postgres") as connection:
        row = connection.execute("SELECT to_regnamespace('upload_pipeline')").fetchone()
    return row is not None and row[0] is not None


INSTANTS = {
    "it holds the folder": (exists("ingest.pid"), signal.SIGTERM),
    "PostgreSQL is about to start": (printed("starting PostgreSQL"), signal.SIGKILL),
    "initdb began": (exists("postgres*/PG_VERSION"), signal.SIGTERM),
    "initdb is half through": (exists("postgres*/global/pg_control"), signal.SIGKILL),
    "the server starts": (exists("postgres/postmaster.pid"), signal.SIGKILL),
    "the server is up": (database_is_up, signal.SIGTERM),
    "the schema is being made": (schema_is_being_made, signal.SIGKILL),
    "Ray is about to start": (printed("starting Ray"), signal.SIGTERM),
    "Ray's node starts": (exists("ray/session_2*/logs/raylet.out"), signal.SIGKILL),
    "the gateway starts": (printed("starting the gateway"), signal.SIGTERM),
    "it is ready": (exists("ingest.url"), signal.SIGKILL),
}


@pytest.fixture
def state() -> Iterator[Path]:
    """A state folder that the user of the database's server may enter, in pytest's none may."""
    with tempfile.TemporaryDirectory(prefix="ingest-up-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve() / "state"
        yield folder
        for process in processes_of(folder):
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.mark.parametrize("instant", INSTANTS)
def test_down_leaves_nothing_of_a_start_that_ended_when(instant: str, state: Path) -> None:
    reached, number = INSTANTS[instant]
    with starting(state) as up:
        up.wait_for(reached)
        code = up.end_by(number)
    expected = {-number, INTERRUPTED_START} if number == signal.SIGTERM else {-number}
    assert code in expected, up.log
    if code == INTERRUPTED_START:
        assert processes_of(state) == [], up.log

    down = ingest("down", INGEST_STATE_DIR=str(state))

    assert down.code == 0, down.err
    assert processes_of(state) == []


def test_the_next_start_ends_what_a_killed_one_left_and_its_own_end_leaves_nothing(
    state: Path,
) -> None:
    with starting(state) as killed:
        killed.wait_for(database_is_up)
        left = int((state / "postgres/postmaster.pid").read_text().split()[0])
        killed.end_by(signal.SIGKILL)

    with starting(state) as up:
        up.wait_for(printed("starting Ray"))
        code = up.end_by(signal.SIGTERM)

    assert code == INTERRUPTED_START, up.log
    assert f"ending PostgreSQL (pid {left}), which a killed process left behind" in up.log
    assert processes_of(state) == []


@contextmanager
def starting(state: Path) -> Iterator[Up]:
    """``ingest up`` in a session of its own, as a service manager starts it."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("INGEST_")},
        "INGEST_STATE_DIR": str(state),
        "INGEST_PORT": str(free_port()),
    }
    with state.with_name("up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingest", "up"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Up(state, process)
    finally:
        process.kill()
        process.wait()


def processes_of(state: Path) -> list[psutil.Process]:
    """Living processes that were started for a state folder, or work in it."""
    return [process for process in psutil.process_iter() if _is_of(process, state)]


def _is_of(process: psutil.Process, state: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and (
            process.environ().get("INGEST_STATE_DIR") == str(state)
            or str(state) in " ".join(process.cmdline())
            or Path(process.cwd()).is_relative_to(state)
        )
    except psutil.Error:
        return False
