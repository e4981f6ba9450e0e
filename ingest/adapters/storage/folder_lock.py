"""Who uses what runs on a folder, known by locks that end with the process that holds them."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class FolderLock:
    """A share in one thing that runs on a folder, e.g. its database server.

    Whoever is the only one to hold it may stop the thing. The locks are the system's: a process
    that is killed holds nothing any more, and a stranger who gets its pid does not either.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Remember the folder; nothing is made yet.

        Args:
            folder: The state folder; the locks are in ``run`` below it.
            name: Of the thing.
        """
        self._run = folder / "run"
        self._name = name
        self._users: IO[str] | None = None

    @property
    def is_held(self) -> bool:
        """True while this object has a share."""
        return self._users is not None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until nobody else starts, stops or counts; then nobody does while this lasts."""
        with self._open("turn") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def is_sole(self) -> bool:
        """Take a share; True when nobody else has one, which nobody gets before ``share``.

        To be called within a turn.
        """
        if self._users is None:
            self._users = self._open("users")
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._users, fcntl.LOCK_SH)  # the attempt gave up a share that was there
            return False
        return True

    def share(self) -> None:
        """Let others have a share, too; to be called within a turn."""
        if self._users is not None:
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def release(self) -> None:
        """Give the share back."""
        if self._users is not None:
            self._users.close()
            self._users = None

    def _open(self, suffix: str) -> IO[str]:
        self._run.mkdir(parents=True, exist_ok=True, mode=0o700)
        return (self._run / f"{self._name}.{suffix}").open("a", encoding="ascii")
