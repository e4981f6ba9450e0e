"""Counts the users of a service on a folder, with locks that end with their process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class FolderLock:
    """A share in a service that runs on a folder, e.g. its database server.

    The only holder may stop the service. The operating system owns the locks: a killed process
    loses its share, and another process with the same pid does not get it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Keep the folder; create nothing yet.

        Args:
            folder: The state folder; the locks are in ``run`` below it.
            name: Name of the service.
        """
        self._run = folder / "run"
        self._name = name
        self._users: IO[str] | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object has a share."""
        return self._users is not None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the exclusive right to start, stop or count; hold it while the context lasts."""
        # Only the holder of "turn" takes "users" exclusively, and never waits for that. So a
        # process may wait for its turn while it has a share, without a deadlock.
        with self._open("turn") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def is_sole(self) -> bool:
        """Take the share exclusively; True when no other process has one. ``share`` ends that.

        Call it only within a turn.
        """
        if self._users is None:
            self._users = self._open("users")
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._users, fcntl.LOCK_SH)  # the failed attempt released the earlier share
            return False
        return True

    def share(self) -> None:
        """Allow other shares again; call it only within a turn."""
        if self._users is not None:
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def release(self) -> None:
        """Release the share."""
        if self._users is not None:
            self._users.close()
            self._users = None

    def _open(self, suffix: str) -> IO[str]:
        self._run.mkdir(parents=True, exist_ok=True, mode=0o700)
        return (self._run / f"{self._name}.{suffix}").open("a", encoding="ascii")
