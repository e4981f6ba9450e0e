"""Runs one child process: starts it, sends documents, and kills it."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import ingest
from ingest.adapters.parsers.local import frames
from ingest.adapters.parsers.local.frames import Frame, Kind
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import ParserLimitExceeded, WorkerLost

_START_SECONDS = 60.0
"""A start takes about a second; on an overloaded machine with cold disks it may take many times
that, and the lease of the job is 60 s as well."""
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")
_ANSWER_BYTES_PER_CHAR = 8
_ANSWER_BYTES = 64 * 1024**2
"""The longest answer is the limit of characters times the first, plus the second. JSON needs at
most 6 bytes for a character (an escape such as \\u0001); the rest is for pages and headings."""


class ChildDied(Exception):
    """The child process ended before it answered; the message gives the exit."""


class Sandbox:
    """One parser process; a lost one is replaced.

    One thread uses it, and must live as long as the sandbox: the kernel kills the child when the
    thread that started it ends. ``kill`` may be called from any thread.
    """

    def __init__(self, *, limits: ParserLimits, timeout: timedelta, memory_bytes: int) -> None:
        self._limits = limits
        self._timeout = timeout
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        # Protects ``_process`` and ``_killed``: ``kill`` may come from another thread between the
        # check of ``_killed`` and the start of a process, which would then never end.
        self._lock = threading.Lock()
        self._killed = False

    @property
    def pid(self) -> int | None:
        """Process id of the child; None when there is none."""
        process = self._process
        return process.pid if process else None

    def start(self) -> None:
        """Start the child unless it runs, and wait until it is ready.

        Raises:
            ChildDied: ``kill`` has been called.
            WorkerLost: the child did not become ready.
        """
        self._running()

    def parse(self, data: bytes, filename: str) -> ParsedDocument:
        """Parse in the child, within the time limit.

        Raises:
            DocumentRejected: the child's error, or ParserLimitExceeded for the time limit.
            ChildDied: the child ended without an answer; there is no child now.
            WorkerLost: a child could not be started.
        """
        channel = self._running()
        seconds = self._timeout.total_seconds()
        deadline = time.monotonic() + seconds
        most = self._limits.max_text_chars * _ANSWER_BYTES_PER_CHAR + _ANSWER_BYTES
        try:
            frames.send(channel, Frame(Kind.DOCUMENT, filename, data), deadline=deadline)
            answer = frames.receive(channel, deadline=deadline, max_body_bytes=most)
            if answer.kind is Kind.RECOGNIZING:
                seconds += self._limits.ocr.document_seconds
                deadline += self._limits.ocr.document_seconds
                answer = frames.receive(channel, deadline=deadline, max_body_bytes=most)
        except TimeoutError as exc:
            self._discard()
            raise ParserLimitExceeded(
                f"parsing took longer than the limit of {seconds:g} seconds"
            ) from exc
        except (frames.Closed, OSError) as exc:
            raise ChildDied(self._discard()) from exc
        if answer.kind is Kind.PARSED:
            return ParsedDocument.from_bytes(answer.body)
        try:
            rejected = frames.rejected(answer)
        except frames.Closed as exc:
            raise ChildDied(self._discard()) from exc
        if answer.kind is not Kind.REJECTED:
            self._discard()
        raise rejected

    def kill(self) -> None:
        """Kill the child; no other starts until ``stop`` is called."""
        with self._lock:
            self._killed = True
            if self._process:
                self._process.kill()

    def stop(self) -> None:
        """End the child; the next parse starts another."""
        self._discard()
        self._killed = False

    def _running(self) -> socket.socket:
        """The socket of a ready child."""
        if self._channel and self._process and self._process.poll() is None:
            return self._channel
        self._discard()
        channel = self._spawn()
        try:
            frames.receive(channel, deadline=time.monotonic() + _START_SECONDS)
        except (frames.Closed, TimeoutError, OSError) as exc:
            how = self._discard()
            raise WorkerLost(f"the parser process did not start ({how})") from exc
        return channel

    def _discard(self) -> str:
        """End the child, and describe how it ended."""
        how = "never ran"
        with self._lock:
            if self._process:
                self._process.kill()
                how = _ending(self._process.wait())
                self._process = None
        if self._channel:
            self._channel.close()
            self._channel = None
        return how

    def _spawn(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        # ``theirs`` is closed here after the start: only then does the end of the child close the
        # socket, so that the parent notices it.
        with theirs, self._lock:
            self._channel = ours
            if self._killed:
                raise ChildDied("killed before it started")
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own module, and numbers
                    self._command(theirs.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=_environment(),
                )
            except OSError as exc:
                raise WorkerLost("the parser process could not be started") from exc
        return ours

    def _command(self, fd: int) -> list[str]:
        numbers = (
            fd,
            os.getpid(),
            self._memory_bytes,
            self._limits.max_pages,
            self._limits.max_text_chars,
        )
        module = "ingest.adapters.parsers.local.child"
        # -P keeps the working folder off sys.path, where a file could hide a library's module.
        ocr = self._limits.ocr.to_json()
        return [sys.executable, "-P", "-m", module, *map(str, numbers), ocr]


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"exit {returncode}"
    return signal.Signals(-returncode).name


def _environment() -> dict[str, str]:
    """The environment without secrets, so that a document that takes over its parser finds none."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "PYTHONPATH": str(Path(ingest.__file__).parents[1])}
