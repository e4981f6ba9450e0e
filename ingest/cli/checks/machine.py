"""Checks this machine and the settings."""

import difflib
import os
import platform
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

import ingest
from ingest.adapters.storage.state_folder import check as check_state_folder
from ingest.cli.checks.findings import Finding, broken, doubtful, fine
from ingest.cli.client.connect import connect
from ingest.cli.exit_codes import Unreachable
from ingest.cli.instance import Instance
from ingest.cli.output import Json, size
from ingest.cli.process import run_async
from ingest.cli.system import leftovers, startup_checks
from ingest.domain.errors import FolderRefused
from ingest.settings import Settings

_FOREIGN = frozenset({"INGEST_URL", "INGEST_API_KEY", "INGEST_TEST_DSN"})
"""Variables with the prefix INGEST_ that are not settings."""
_CORRECT = "correct this environment variable"
_GB = 10**9
_LOW_DISK, _NO_DISK = 5 * _GB, _GB
_LOW_MEMORY = 3 * _GB
_LOW_SHARED = _GB // 2
_LOW_FILES = 4096


def versions() -> Finding:
    """Report the versions of ingest, Python and the operating system."""
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return fine("ingest", f"version {ingest.__version__}, {python}")


def variables(settings: Settings) -> Iterator[Finding]:
    """List the settings that are set, and find unknown names."""
    known = {f"INGEST_{name.upper()}" for name in Settings.model_fields}
    present = {name for name in os.environ if name.startswith("INGEST_")}
    named = ", ".join(sorted(present & known)) or "defaults only"
    yield from (
        broken("settings", fault, _CORRECT) for fault in startup_checks.value_faults(settings)
    )
    yield fine("settings", f"{named}; auth={settings.auth.value} on {settings.host}")
    for name in sorted(present - known - _FOREIGN):
        close = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {close[0]}?" if close else "it has no effect"
        yield doubtful("settings", f"there is no setting {name}", advice)


def state_folder(settings: Settings) -> Iterator[Finding]:
    """Check that the state folder is writable, and has free space."""
    if faults := list(startup_checks.folder_faults(settings)):
        yield from (broken("state", fault, _CORRECT) for fault in faults)
        return
    folder = settings.state_dir.absolute()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        check_state_folder(folder)
    except FolderRefused as exc:
        yield broken("state", exc.message, "set INGEST_STATE_DIR to another folder")
        return
    free = shutil.disk_usage(existing).free
    text = f"{folder}, {size(free)} free" + ("" if folder.exists() else "; not made yet")
    if free < _NO_DISK:
        yield broken("state", text, f"at least {size(_NO_DISK)} must be free")
    elif free < _LOW_DISK:
        yield doubtful("state", text, f"under {size(_LOW_DISK)}; Ray stops at 95 % full")
    else:
        yield fine("state", text)


def resources(settings: Settings) -> Iterator[Finding]:
    """Check processors, memory, shared memory and open files."""
    del settings
    memory = psutil.virtual_memory().available
    text = f"{os.cpu_count()} CPUs, {size(memory)} of memory available"
    if memory < _LOW_MEMORY:
        yield doubtful("machine", text, f"under {size(_LOW_MEMORY)}; large files may not fit")
    else:
        yield fine("machine", text)
    shared = Path("/dev/shm")  # noqa: S108 only its free space is read
    if shared.is_dir():
        free = shutil.disk_usage(shared).free
        if free < _LOW_SHARED:
            yield doubtful(
                "machine",
                f"{size(free)} of shared memory free",
                f"under {size(_LOW_SHARED)}, and Ray falls back to slow files; "
                "in a container: --shm-size=1g",
            )
        else:
            yield fine("machine", f"{size(free)} of shared memory free")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _LOW_FILES:
        most = "unlimited" if hard < 0 else hard
        yield doubtful(
            "machine", f"{soft} open files allowed", f"raise it: ulimit -n 65536 (limit: {most})"
        )


def running_system(settings: Settings) -> Iterator[Finding]:
    """Check whether a system runs on the state folder, or can start."""
    instance = Instance(settings.state_dir)
    pid = instance.pid()
    if pid is None:
        yield from _left_behind(settings)
        faults = list(startup_checks.port_faults(settings))
        yield from (broken("system", fault, "or stop the program that uses it") for fault in faults)
        if not faults:
            where = f"port {settings.port} on {settings.host}"
            yield fine("system", f"not running; {where} is free")
        return
    url = instance.url()
    if url is None:
        yield doubtful("system", f"pid {pid} is starting", f"its log: {instance.log_file}")
        return
    try:
        ready, answer = run_async(_readiness(url))
    except Unreachable as exc:
        yield broken("system", f"pid {pid}: {exc.message}", f"its log: {instance.log_file}")
        return
    if ready:
        yield fine("system", f"pid {pid} is ready at {url}")
    else:
        detail = answer.get("detail", "no reason given")
        yield broken("system", f"pid {pid} is not ready: {detail}", f"its log: {instance.log_file}")


def _left_behind(settings: Settings) -> Iterator[Finding]:
    found = leftovers.find(settings)
    if found is not None:
        text = f"{found}, which a killed process left behind, still runs"
        yield doubtful("system", text, leftovers.REMEDY)


async def _readiness(url: str) -> tuple[bool, Json]:
    async with connect(url, None) as gateway:
        return await gateway.readiness()
