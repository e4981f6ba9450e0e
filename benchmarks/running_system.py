"""A whole system as processes of their own, as ``ingest up`` starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from ingest.adapters.storage import state_folder

_START_SECONDS = 120.0
_STOP_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """A system that answers."""

    url: str
    process: psutil.Process
    log: Path
    started_in: float
    """Seconds from the start of its process until it was ready."""

    def tree(self) -> list[psutil.Process]:
        """Its processes; PostgreSQL's are not among them."""
        return [self.process, *self.process.children(recursive=True)]

    def processes(self, name: str) -> list[psutil.Process]:
        """Its living processes whose command line holds a name, e.g. ``EmbedActor``."""
        found = []
        for child in self.process.children(recursive=True):
            try:
                if name in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found


@contextmanager
def running_system(
    folder: Path, *, port: int | None = None, **settings: object
) -> Iterator[RunningSystem]:
    """Start a system, wait until it is ready, and stop it in the end.

    Args:
        folder: Its state folder, and where its log goes.
        port: Of its API; any free one by default.
        settings: INGEST_ settings by their names in lower case, e.g. ``wave_jobs=8``.

    Raises:
        RuntimeError: it did not start, or did not stop when asked.
    """
    port = port or free_port()
    log = folder / "system.log"
    state_folder.claim(folder)
    chosen = {"state_dir": folder, "port": port, **settings}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("INGEST_")},
        **{f"INGEST_{name.upper()}": str(value) for name, value in chosen.items()},
    }
    started = time.monotonic()
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingest", "up"],
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process, log)
        yield RunningSystem(url, psutil.Process(process.pid), log, time.monotonic() - started)
    finally:
        _stop(process, log)


def free_port() -> int:
    """A port on the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            ready = httpx.get(f"{url}/readyz", timeout=5).status_code == 200
            if ready and Path(log.parent, "ingest.url").exists():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the system did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _stop(process: "subprocess.Popen[bytes]", log: Path) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired as exc:
        process.kill()
        text = log.read_text(errors="replace")[-4000:]
        raise RuntimeError(f"the system did not stop when asked:\n{text}") from exc
