"""CPU time of a running system, by what it is used for."""

from collections.abc import Callable

import psutil

from benchmarks.running_system import RunningSystem
from ingest.domain.capacity import Work

_PROCESSES: dict[Work, tuple[str, ...]] = {
    Work.CLAIM: ("ReadClaim",),
    Work.PARSE: ("parsers.local.child", "ParseActor"),
    Work.CHUNK: ("ChunkActor",),
    Work.EMBED: ("EmbedActor",),
    Work.RAY: ("_Supervisor", "raylet/raylet", "gcs_server"),
}


def cpu_seconds(system: RunningSystem) -> dict[Work, float]:
    """So far; PostgreSQL's is that of every server on this machine."""
    used = {
        work: sum(_seconds(process) for name in names for process in system.processes(name))
        for work, names in _PROCESSES.items()
    }
    return used | {Work.DATABASE: by_name(lambda name: name == "postgres")}


def by_name(wanted: Callable[[str], bool]) -> float:
    """CPU seconds of all living processes with such names."""
    named = [p for p in psutil.process_iter(["name"]) if wanted(p.info["name"] or "")]
    return sum(map(_seconds, named))


def of_process(pid: int) -> float:
    """CPU seconds of one process."""
    return _seconds(psutil.Process(pid))


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
