"""The parent's side of one child process: start it, ask it, kill it."""

import os
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import ingest
from ingest.adapters.local_parser import frames
from ingest.adapters.local_parser.frames import Frame, Kind
from ingest.adapters.local_parser.limits import Limits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import ParserLimitExceeded, WorkerLost

_START_SECONDS = 60.0
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")


class ChildDied(Exception):
    """The child process ended before it answered."""


class Sandbox:
    """One parser process, replaced whenever it is lost.

    Used by one thread at a time, which must live as long as the sandbox: the kernel kills the
    child when the thread that started it ends. ``kill`` may be called from any thread.
    """

    def __init__(self, *, limits: Limits, timeout: timedelta, memory_bytes: int) -> None:
        self._limits = limits
        self._timeout = timeout
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the child, None when there is none."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the child unless it runs, and wait until it is ready.

        Raises:
            WorkerLost: it did not become ready.
        """
        if self._process and self._process.poll() is None:
            return
        self.stop()
        ours, theirs = socket.socketpair()
        with theirs:
            self._channel = ours
            self._process = subprocess.Popen(  # noqa: S603 - our own module, numbers as arguments
                self._command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=_environment(),
            )
        try:
            frames.receive(ours, deadline=time.monotonic() + _START_SECONDS)
        except (frames.Closed, TimeoutError, OSError) as exc:
            self.stop()
            raise WorkerLost("the parser process did not start") from exc

    def parse(self, data: bytes, filename: str) -> ParsedDocument:
        """Parse in the child, within the time limit.

        Raises:
            DocumentRejected: as the child says, or ParserLimitExceeded for the time limit.
            ChildDied: the child ended without an answer; there is no child now.
            WorkerLost: a child could not be started.
        """
        self.start()
        channel = self._channel
        if channel is None:
            raise ChildDied
        deadline = time.monotonic() + self._timeout.total_seconds()
        try:
            frames.send(channel, Frame(Kind.DOCUMENT, filename, data), deadline=deadline)
            answer = frames.receive(channel, deadline=deadline)
        except TimeoutError as exc:
            self.stop()
            raise ParserLimitExceeded(
                f"parsing took longer than the limit of {self._timeout.total_seconds():g} seconds"
            ) from exc
        except (frames.Closed, OSError) as exc:
            self.stop()
            raise ChildDied from exc
        if answer.kind is Kind.PARSED:
            return ParsedDocument.from_bytes(answer.body)
        if answer.kind is Kind.REJECTED_LAST:
            self.stop()
        raise frames.rejected(answer)

    def kill(self) -> None:
        """End the child at once; a parse under way raises ChildDied."""
        process = self._process
        if process:
            process.kill()

    def stop(self) -> None:
        """End the child and forget it."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._channel:
            self._channel.close()
            self._channel = None

    def _command(self, fd: int) -> list[str]:
        numbers = (
            fd,
            os.getpid(),
            self._memory_bytes,
            self._limits.max_pages,
            self._limits.max_text_chars,
        )
        module = "ingest.adapters.local_parser.child"
        return [sys.executable, "-m", module, *map(str, numbers)]


def _environment() -> dict[str, str]:
    """No secrets: a document that takes over its parser finds none."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "PYTHONPATH": str(Path(ingest.__file__).parents[1])}
