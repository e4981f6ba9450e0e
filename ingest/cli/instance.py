"""Finds the system that runs on a state folder: at most one, which holds a lock on a file."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ingest.adapters.storage import state_folder
from ingest.cli.exit_codes import CommandFailed

_TRIES = 5
_PAUSE_SECONDS = 0.05
"""Readers hold the lock for microseconds, so a quarter of a second of tries is ample."""


class AlreadyRunning(CommandFailed):
    """A system runs on this state folder already."""


class Instance:
    """The one system that may run on a state folder.

    The process that runs the system holds a lock on ``ingest.pid`` for as long as it lives, so
    a file that a crash left behind is never taken for a running system. Neither is another
    program that got the same pid.
    """

    def __init__(self, state_dir: Path) -> None:
        """Remember the folder; read and create nothing yet."""
        self.pid_file = Path(state_dir, "ingest.pid").absolute()
        self.url_file = self.pid_file.with_name("ingest.url")
        self.log_file = Path(state_dir, "logs", "ingest.log").absolute()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock of this folder while the context lasts.

        Raises:
            AlreadyRunning: another process holds it.
            FolderRefused: the folder holds files of others.
        """
        state_folder.claim(self.pid_file.parent)
        with self._locked() as file:
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield
            finally:
                # While the lock is still held: else the files of the next system could be removed.
                self.url_file.unlink(missing_ok=True)
                self.pid_file.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        for remaining in reversed(range(_TRIES)):
            # "a+" does not truncate: the pid of a running system must stay readable.
            with self.pid_file.open("a+", encoding="ascii") as file:
                if _try_lock(file) and _is_still(file, self.pid_file):
                    yield file
                    return
            if remaining:
                time.sleep(_PAUSE_SECONDS)  # a reader of the lock also holds it for a moment
        raise AlreadyRunning(f"a system runs on {str(self.pid_file.parent)!r} as pid {self.pid()}")

    def pid(self) -> int | None:
        """The pid of the process that runs the system; None when no system runs."""
        try:
            with self.pid_file.open(encoding="ascii") as file:
                # A shared lock succeeds only while no system holds the exclusive one. Shared, so
                # that two readers do not mistake each other for a running system.
                with suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    return None
                # The lock is taken before the pid is written, so the file may be empty at first.
                for _ in range(_TRIES):
                    file.seek(0)
                    if (text := file.read().strip()).isdigit():
                        return int(text)
                    time.sleep(_PAUSE_SECONDS)
        except (FileNotFoundError, NotADirectoryError):
            pass
        return None

    def announce(self, url: str) -> None:
        """Store the system's URL for commands on this machine."""
        self.url_file.write_text(url + "\n", encoding="utf-8")

    def url(self) -> str | None:
        """The URL of the running system; None when none runs or its gateway is not ready yet."""
        if self.pid() is None:
            return None
        try:
            return self.url_file.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(file: IO[str], path: Path) -> bool:
    """Whether this path still leads to the open file, which another process may have replaced."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
