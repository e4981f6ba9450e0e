"""Runs the system in a process of its own that continues after the command."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import psutil

from ingest.adapters.storage import state_folder
from ingest.cli.client.connect import connect, gateway_url
from ingest.cli.client.gateway_client import GatewayClient
from ingest.cli.exit_codes import CommandFailed, ExitCode, Unreachable
from ingest.cli.instance import Instance
from ingest.cli.output import say
from ingest.cli.process import run_async
from ingest.cli.system import startup_summary
from ingest.settings import Settings

START_SECONDS = 180.0
"""Most seconds that a start may take; a first start creates the embedded database."""
_STOP_MARGIN_SECONDS = 60.0
"""Seconds that a stop may take in addition to the drain of running jobs."""
_POLL_SECONDS = 0.1
_TAIL_LINES = 15


def start(settings: Settings, *, as_json: bool) -> None:
    """Start the system in the background, and wait until it is ready.

    Raises:
        CommandFailed: it did not start; the errors in its log were printed.
        Unreachable: it did not start because settings are wrong or a service does not answer.
    """
    child = Child(settings, environment=os.environ, on_progress=say)
    try:
        child.wait_until_ready()
    except BaseException:
        child.stop()
        raise
    url = gateway_url(settings.host, settings.port)
    startup_summary.show(url, settings, as_json=as_json, pid=child.pid)


def stop(settings: Settings) -> int | None:
    """Stop the system of a state folder and wait for its end; returns its pid, None when none ran.

    Raises:
        CommandFailed: it does not end in time, or this user may not stop it.
    """
    instance = Instance(settings.state_dir)
    pid = instance.pid()
    if pid is None:
        return None
    longest = settings.drain_timeout_seconds + _STOP_MARGIN_SECONDS
    try:
        process = psutil.Process(pid)
        if instance.pid() != pid:  # it ended meanwhile, and another process may have got its pid
            return pid
        process.terminate()
    except psutil.NoSuchProcess:
        if instance.pid() == pid:
            raise CommandFailed(
                f"pid {pid} holds {str(instance.pid_file)!r} but cannot be seen from here"
            ) from None
        return pid
    except psutil.AccessDenied as exc:
        raise CommandFailed(f"pid {pid} belongs to another user") from exc
    if not _wait_until_gone(instance, process, longest):
        raise CommandFailed(
            f"pid {pid} was asked to stop and still runs after {longest:.0f} s; "
            f"its log is {str(instance.log_file)!r}"
        )
    return pid


def _wait_until_gone(instance: Instance, process: psutil.Process, longest: float) -> bool:
    """Wait for the end of a process; a zombie, which ended and was not reaped, counts as ended."""
    deadline = time.monotonic() + longest
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(_POLL_SECONDS)
    return bool(instance.pid() != process.pid)


class Child:
    """A system that this process started in a new session."""

    def __init__(
        self,
        settings: Settings,
        *,
        environment: Mapping[str, str],
        on_progress: Callable[[str], None],
    ) -> None:
        """Start the process.

        Args:
            settings: The settings that the new process will read.
            environment: Environment variables of the new process.
            on_progress: Gets a line for each step of the start.
        """
        self._settings = settings
        self._on_progress = on_progress
        state_folder.claim(settings.state_dir)
        self._log = Instance(settings.state_dir).log_file
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingest", "up"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                # Ctrl-C in this terminal must not reach the system.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id of the system."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait until the system is ready, and report each step of its start.

        Raises:
            CommandFailed: the system ended, or its start takes too long.
            Unreachable: the system ended with exit code 2.
        """
        run_async(self._until_ready())

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        said = ""
        url = gateway_url(self._settings.host, self._settings.port)
        async with connect(url, None) as gateway:
            while (waiting_for := await self._missing(gateway)) is not None:
                if self._process.poll() is not None:
                    raise self._failure(
                        f"the system ended with exit code {self._process.returncode}"
                    )
                if time.monotonic() > deadline:
                    raise self._failure(f"the system is not ready after {START_SECONDS:.0f} s")
                if waiting_for and waiting_for != said:
                    said = waiting_for
                    self._on_progress(waiting_for)
                await asyncio.sleep(_POLL_SECONDS)

    def stop(self) -> int:
        """Stop the system, and kill it when it does not end in time; returns its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(self._settings.drain_timeout_seconds + _STOP_MARGIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    async def _missing(self, gateway: GatewayClient) -> str | None:
        """Describe the missing part; None when the system is ready."""
        instance = Instance(self._settings.state_dir)
        if instance.pid() != self.pid:
            return ""
        try:
            ready, answer = await gateway.readiness()
        except Unreachable:
            return self._last_step()
        if not ready:
            return f"waiting: {answer.get('detail', 'the gateway is not there yet')}"
        return None if instance.url() else self._last_step()

    def _last_step(self) -> str:
        """The last line of the log that describes a step of the start."""
        steps = [line for line in self._tail() if line[:1].islower()]
        return steps[-1] if steps else ""

    def _tail(self) -> list[str]:
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace").splitlines()

    def _failure(self, reason: str) -> CommandFailed | Unreachable:
        """Convert the end of the log into an error that has the exit code of the system."""
        for line in [line for line in self._tail() if line.startswith("error: ")][-_TAIL_LINES:]:
            say(f"  {line}")
        code = self._process.poll()
        kind = Unreachable if code == ExitCode.UNUSABLE else CommandFailed
        return kind(f"{reason}; its log is {str(self._log)!r}")
