"""The processes that work on one data folder of PostgreSQL, whoever started them."""

import signal
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import psutil

_SERVER = "postgres"
_STARTERS = frozenset({"initdb", "pg_ctl"})
_SHELLS = frozenset({"sh", "bash", "dash", "busybox"})
_POLL_SECONDS = 0.05
_STOP_SECONDS = 60.0
"""For the last checkpoint."""
_ABORT_SECONDS = 5.0


def find(data: Path) -> list[psutil.Process]:
    """Those that are alive: servers with their children, and initdb and pg_ctl.

    A process counts when its program is PostgreSQL's and it is in that folder, or was started for
    it; neither a name alone nor a number in a file makes it one.

    Args:
        data: The data folder, resolved.
    """
    return [process for process in psutil.process_iter() if _works_on(process, data)]


def server(data: Path) -> int | None:
    """Pid of the server of a data folder; while there is none yet, of whoever starts it."""
    found = find(data)
    pids = {process.pid for process in found}
    return min((pid for pid in pids if _parent(pid) not in pids), default=None)


def end(data: Path, *, discard: bool = False) -> None:
    """Stop everything that works on a data folder, and wait until it is gone.

    Args:
        data: The data folder, resolved.
        discard: Nothing in it is needed any more, so that it can be killed.

    Raises:
        RuntimeError: something does not even end when it is killed.
        psutil.AccessDenied: it belongs to another user.
    """
    ways = ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, _ABORT_SECONDS))
    for number, seconds in () if discard else ways:
        if _end_by(number, data, seconds):
            return
    if not _end_by(signal.SIGKILL, data, _ABORT_SECONDS):
        raise RuntimeError(f"PostgreSQL on {str(data)!r} does not end")


def _end_by(number: signal.Signals, data: Path, seconds: float) -> bool:
    """Send the signal to each server once and kill what starts one; False when it takes longer."""
    asked: set[int] = set()
    deadline = time.monotonic() + seconds
    while found := find(data):
        if time.monotonic() > deadline:
            return False
        pids = {process.pid for process in found}
        for process in found:
            with suppress(psutil.NoSuchProcess):
                if number == signal.SIGKILL or _program(process) != _SERVER:
                    process.kill()
                elif process.pid not in asked and process.ppid() not in pids:
                    asked.add(process.pid)
                    process.send_signal(number)
        time.sleep(_POLL_SECONDS)
    return True


def _works_on(process: psutil.Process, data: Path) -> bool:
    try:
        program = _program(process)
        if program in _SHELLS:  # through which pg_ctl and initdb start the server
            last = (process.cmdline() or [""])[-1]
            if last.startswith("exec "):
                return f'"{data}"' in last
            return f'{_SERVER}"' in last and _inherited(process, data)
        if program != _SERVER and program not in _STARTERS:
            return False
        return process.status() != psutil.STATUS_ZOMBIE and (
            _is_started_for(process, data)
            or Path(process.cwd()) == data
            or _inherited(process, data)
        )
    except (psutil.Error, OSError):
        return False


def _is_started_for(process: psutil.Process, data: Path) -> bool:
    words = process.cmdline()
    return ("-D", str(data)) in pairwise(words)


def _inherited(process: psutil.Process, data: Path) -> bool:
    """Whether initdb named the folder: a server that it starts goes there only after a moment."""
    return bool(process.environ().get("PGDATA") == str(data))


def _program(process: psutil.Process) -> str:
    try:
        return Path(str(process.exe())).name.removesuffix(" (deleted)")
    except psutil.AccessDenied:
        return str(process.name())


def _parent(pid: int) -> int | None:
    with suppress(psutil.Error):
        return int(psutil.Process(pid).ppid())
    return None
