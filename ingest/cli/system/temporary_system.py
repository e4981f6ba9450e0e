"""Runs a temporary system for the demo, in a folder of its own that is deleted at the end."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ingest import settings
from ingest.cli.client.connect import gateway_url
from ingest.cli.exit_codes import CommandFailed
from ingest.cli.system import startup_checks
from ingest.cli.system.background import Child

HOST = "127.0.0.1"
_ELSEWHERE = (
    "INGEST_DATABASE_URL",
    "INGEST_DATABASE_POOLER",
    "INGEST_BLOB_URL",
    "INGEST_BLOB_ENDPOINT",
    "INGEST_RAY_ADDRESS",
    "INGEST_AUTH",
    "INGEST_HTTP_PROXY",
    "INGEST_DASHBOARD",
    "INGEST_PARSER",
    "INGEST_EMBEDDER",
    "INGEST_NEXT_MODEL",
    "INGEST_PROFILE",
)
"""Settings that the demo ignores: they would make it use other folders or paid providers."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does: after all parts are stopped."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def folder() -> Iterator[Path]:
    """Provide a temporary folder; it is deleted at the end."""
    made = Path(tempfile.mkdtemp(prefix="ingest-demo-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def system(state: Path, say: Callable[[str], None], **extra: str) -> Iterator[str]:
    """Run a system for the demo; it is stopped at the end.

    Args:
        state: State folder of the system.
        say: Receives a line for each step of the start.
        extra: Additional environment variables of the system.

    Yields:
        The URL of the system.

    Raises:
        CommandError: it did not start, or did not stop cleanly.
    """
    environment = _environment(state, extra)
    with _as_environment(environment):
        loaded = settings.load()
    child = Child(loaded, environment=environment, on_progress=lambda line: say(f"   {line}"))
    try:
        child.wait_until_ready()
        yield gateway_url(loaded.host, loaded.port)
    except BaseException:
        child.stop()
        raise
    code = child.stop()
    if code != 0:
        raise CommandFailed(f"the system stopped with exit code {code}")


def ensure_startable(**extra: str) -> None:
    """Check before anything is created that the remaining settings allow a start.

    Args:
        extra: Additional environment variables of the system.

    Raises:
        WrongSettings: a setting is wrong; the message names all faults.
    """
    with _as_environment(_environment(Path(tempfile.gettempdir()), extra)):
        startup_checks.ensure_startable(settings.load(), listens=False)


def _environment(state: Path, extra: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    own = {"INGEST_STATE_DIR": str(state), "INGEST_HOST": HOST, "INGEST_PORT": str(free_port())}
    return {**kept, **own, **extra}


@contextmanager
def _as_environment(environment: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def free_port() -> int:
    """Find a free port on the loopback interface."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
