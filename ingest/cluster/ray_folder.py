"""Where a Ray of our own keeps its sockets and logs, and which processes belong to it."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import psutil

from ingest.adapters.storage.folder_lock import FolderLock

_LONGEST = 40
"""Characters; the paths of Ray's sockets below it must stay under the system's 107."""
_POLL_SECONDS = 0.05
_GONE_SECONDS = 10.0
_OUTPUTS = (1, 2)
"""Standard output and standard error."""


class RayFolder:
    """One of the folders of a state folder: ``ray``, and ``ray-2`` … while others are in use."""

    def __init__(self, state_dir: Path, name: str) -> None:
        """Remember it; nothing is made yet."""
        self.token = state_dir / f"{name}-token"
        self._place = state_dir / name
        self._hold = FolderLock(state_dir, name)

    def take(self) -> bool:
        """Hold it for as long as this process lives; False when another process does."""
        with self._hold.turn():
            if not self._hold.is_sole():
                self._hold.release()
                return False
            self._hold.share()  # the next one sees it then, instead of waiting
            return True

    def make(self) -> Path:
        """Make it empty, and return where it is: elsewhere when its own path is too long."""
        self._remove()
        if len(str(self._place)) <= _LONGEST:
            return self._place
        elsewhere = Path(tempfile.mkdtemp(prefix="ingest-ray-"))
        self._place.symlink_to(elsewhere)
        return elsewhere

    def release(self) -> None:
        """Let another process have it."""
        self._hold.release()

    def processes(self) -> list[psutil.Process]:
        """Living processes of Ray that write their output into it."""
        folder = self._place.resolve()
        return [process for process in psutil.process_iter() if _writes_into(process, folder)]

    def clear(self) -> list[int]:
        """Kill the processes, and wait until they are gone; returns their pids.

        The logs stay until the next ``make``, unless they are elsewhere.

        Raises:
            RuntimeError: one does not end.
        """
        killed: set[int] = set()
        deadline = time.monotonic() + _GONE_SECONDS
        while found := self.processes():
            if time.monotonic() > deadline:
                raise RuntimeError(f"processes of Ray in {str(self._place)!r} do not end")
            for process in found:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
                killed.add(process.pid)
            time.sleep(_POLL_SECONDS)
        if self._place.is_symlink():
            self._remove()
        return sorted(killed)

    def _remove(self) -> None:
        shutil.rmtree(self._place.resolve(), ignore_errors=True)
        if self._place.is_symlink():
            self._place.unlink()


def take(state_dir: Path, report: Callable[[str], None]) -> RayFolder:
    """The first folder that no other process holds, without what a killed process left in it.

    Args:
        state_dir: The state folder.
        report: Gets a line when processes were left behind.

    Raises:
        RuntimeError: what was left behind does not end.
    """
    state = state_dir.resolve()
    for number in count(1):
        folder = RayFolder(state, _name(number))
        if folder.take():
            if ended := folder.clear():
                report(f"ended processes of Ray ({len(ended)}), which a killed process left behind")
            return folder
    raise AssertionError


def leftovers(state_dir: Path) -> list[int]:
    """Pids of the processes of Ray that killed processes left behind."""
    return [
        process.pid for folder in _unused(state_dir.resolve()) for process in folder.processes()
    ]


def end_leftovers(state_dir: Path) -> list[int]:
    """End the processes of Ray that killed processes left behind; returns their pids.

    Raises:
        RuntimeError: one does not end.
    """
    return [pid for folder in _unused(state_dir.resolve()) for pid in folder.clear()]


def _unused(state_dir: Path) -> Iterator[RayFolder]:
    """Each folder that was made and that nobody holds, held meanwhile."""
    for number in count(1):
        if not (state_dir / "run" / f"{_name(number)}.users").exists():
            return
        folder = RayFolder(state_dir, _name(number))
        if folder.take():
            try:
                yield folder
            finally:
                folder.release()


def _name(number: int) -> str:
    return "ray" if number == 1 else f"ray-{number}"


def _writes_into(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and any(
            Path(path).is_relative_to(folder) for path in _outputs(process)
        )
    except (psutil.Error, OSError):
        return False


def _outputs(process: psutil.Process) -> list[str]:
    known = Path("/proc", str(process.pid), "fd")
    if known.is_dir():
        return [os.readlink(known / str(number)) for number in _OUTPUTS]
    return [file.path for file in process.open_files() if getattr(file, "fd", -1) in _OUTPUTS]
