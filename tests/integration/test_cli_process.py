"""How the process of a command ends: by Ctrl-C once or twice, and beside threads of libraries."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.integration.cli_system import clean_environment, hear_ctrl_c

COMMAND = [sys.executable, "-m", "ingest"]
TIMES = 20


class Stalled(ThreadingHTTPServer):
    """Says that it is ready, and never answers anything else."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = threading.Event()
        """Set once a request waits for an answer."""
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are what is tested."""


class Handler(BaseHTTPRequestHandler):
    server: Stalled
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path != "/readyz":
            self.do_POST()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_POST(self) -> None:
        self.server.asked.set()
        self.server.over.wait()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def waiting(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that waits for the answer of a server that never gives one."""
    with Stalled() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=clean_environment(INGEST_URL=server.url),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_ctrl_c,
        )
        try:
            assert server.asked.wait(30)
            yield process
        finally:
            process.kill()
            process.communicate()
            server.over.set()
            server.shutdown()


def commands(folder: Path) -> list[tuple[str, ...]]:
    for number in range(6):
        (folder / f"{number}.txt").write_text(f"Tide number {number}.")
    return [("upload", str(folder)), ("jobs",), ("search", "tides")]


@pytest.mark.parametrize("number", range(3))
def test_ctrl_c_ends_a_command_that_waits_in_good_order(tmp_path: Path, number: int) -> None:
    with waiting(*commands(tmp_path)[number]) as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Traceback" not in err


def test_ctrl_c_twice_at_once_ends_a_command_every_time(tmp_path: Path) -> None:
    upload, *_ = commands(tmp_path)

    def interrupt_twice(_: int) -> tuple[int, bool]:
        with waiting(*upload) as process:
            os.kill(process.pid, signal.SIGINT)
            os.kill(process.pid, signal.SIGINT)
            err = process.communicate(timeout=60)[1]
        return process.returncode, "Traceback" in err

    with ThreadPoolExecutor(4) as side_by_side:
        ended = list(side_by_side.map(interrupt_twice, range(TIMES)))

    assert ended == [(130, False)] * TIMES


HANGS = """
import asyncio, sys
from ingest.cli import process
async def deaf():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            print("asked", flush=True)
async def main():
    other = asyncio.create_task(deaf())
    print("ready", flush=True)
    await deaf()
process.end_with(lambda: process.run_async(main()))
"""


def test_a_second_ctrl_c_ends_a_process_that_does_not_hear_the_first() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HANGS],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def test_a_bucket_that_cannot_be_read_ends_with_exit_code_2_every_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    environment = clean_environment(
        INGEST_BLOB_ENDPOINT=f"http://127.0.0.1:{nobody}",
        INGEST_STATE_DIR=str(tmp_path),
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106
        AWS_REGION="us-east-1",
    )
    command = [*COMMAND, "backfill", "s3://documents/", "--dry-run"]

    running = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(TIMES)
    ]
    told = [process.communicate(timeout=100)[1] for process in running]

    assert [process.returncode for process in running] == [2] * TIMES
    assert {err.count("\n") for err in told} == {1}
    assert all(err.startswith("error: 's3://documents' cannot be read") for err in told)


def test_a_command_that_is_done_has_written_everything_and_run_its_exit_handlers() -> None:
    script = (
        "import atexit, sys; from ingest.cli import process; "
        "atexit.register(lambda: sys.stdout.write('first')); "
        "end = lambda: atexit.register(lambda: sys.stdout.write('last ')) and 7; "
        "process.end_with(lambda: (end(), 7)[1])"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (ended.returncode, ended.stdout) == (7, "last ")
