"""How each kind of fault is inflicted, and undone."""

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psutil
import psycopg

from tests.chaos.evidence import Blow
from tests.chaos.rig import Rig
from tests.chaos.schedule import KILLED_ACTORS, PAUSED_ACTORS, SECONDS, Fault

_LATER_SECONDS = 2.0
"""A paused actor goes on so long after the claim source, when others hold its jobs already."""
_RESTART_SECONDS = 60.0
_STEP_BYTES = 1024**2


def inflict(rig: Rig, fault: Fault) -> Blow:
    """Let one thing go wrong, and put right what would not heal by itself."""
    began = datetime.now(UTC)
    victims = _kind(fault.kind)(rig, fault)
    return Blow(fault.kind, began, datetime.now(UTC), victims)


def _kind(kind: str) -> Callable[[Rig, Fault], int]:
    if kind in KILLED_ACTORS:
        return _kill_actor
    if kind in PAUSED_ACTORS:
        return _pause_actor
    return {
        "worker node": _lose_worker_node,
        "PostgreSQL": _crash_postgres,
        "PostgreSQL backend": _crash_backend,
        "OpenAI away": lambda rig, fault: _vendor(rig.vendors.openai.away, fault),
        "OpenAI restarted": lambda rig, fault: _vendor(rig.vendors.openai.restart, fault),
        "LlamaParse away": lambda rig, fault: _vendor(rig.vendors.llamaparse.away, fault),
        "LlamaParse hangs": lambda rig, fault: _vendor(rig.vendors.llamaparse.hang, fault),
        "blob storage away": _lose_blobs,
        "disk full": _fill_disk,
        "nothing": lambda _rig, _fault: 0,
    }[kind]


def _kill_actor(rig: Rig, fault: Fault) -> int:
    victims = _wait_for(rig, KILLED_ACTORS[fault.kind])
    if not victims:
        return 0
    _signal(victims[fault.dice % len(victims)], signal.SIGKILL)
    return 1


def _wait_for(rig: Rig, name: str) -> list[psutil.Process]:
    """The processes with this name; the fault before may have left none for a while."""
    deadline = time.monotonic() + _RESTART_SECONDS
    while not (found := rig.processes(name)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _pause_actor(rig: Rig, fault: Fault) -> int:
    """Nobody keeps the leases alive meanwhile; the actor goes on with leases that it lost."""
    sources = _wait_for(rig, KILLED_ACTORS["claim source"])
    victims = _wait_for(rig, PAUSED_ACTORS[fault.kind])
    for process in sources + victims:
        _signal(process, signal.SIGSTOP)
    time.sleep(SECONDS[fault.kind] - _LATER_SECONDS)
    for process in sources:
        _signal(process, signal.SIGCONT)
    time.sleep(_LATER_SECONDS)
    for process in victims:
        _signal(process, signal.SIGCONT)
    return len(sources + victims)


def _lose_worker_node(rig: Rig, fault: Fault) -> int:
    lost = rig.nodes.kill_worker()
    time.sleep(SECONDS[fault.kind])
    rig.nodes.start_worker()
    return lost


def _crash_postgres(rig: Rig, fault: Fault) -> int:
    pid = rig.postgres.pid
    if pid is None:
        return 0
    postmaster = psutil.Process(pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    postmaster.kill()
    psutil.wait_procs(family, timeout=_RESTART_SECONDS)
    time.sleep(SECONDS[fault.kind])
    rig.postgres.start()
    return len(family)


def _crash_backend(rig: Rig, fault: Fault) -> int:
    """The server ends every other connection, and recovers from its log."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'ingest' ORDER BY pid"
    with psycopg.connect(rig.database_url) as connection:
        pids = [pid for (pid,) in connection.execute(query).fetchall()]
    if pids:
        _signal(psutil.Process(pids[fault.dice % len(pids)]), signal.SIGKILL)
    return len(pids)


def _vendor(harm: Callable[[float], None], fault: Fault) -> int:
    harm(SECONDS[fault.kind])
    return 1


def _lose_blobs(rig: Rig, fault: Fault) -> int:
    """A file where the folder was: nothing can be read, and nothing written."""
    aside = rig.blobs.with_name("aside")
    rig.blobs.rename(aside)
    rig.blobs.touch()
    time.sleep(SECONDS[fault.kind])
    rig.blobs.unlink()
    aside.rename(rig.blobs)
    return 1


def _fill_disk(rig: Rig, fault: Fault) -> int:
    ballast = rig.disk / "ballast"
    with ballast.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(_STEP_BYTES))
        except OSError as exc:
            if exc.errno != errno.ENOSPC:
                raise
    time.sleep(SECONDS[fault.kind])
    ballast.unlink()
    return 1


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
        os.kill(process.pid, number)
