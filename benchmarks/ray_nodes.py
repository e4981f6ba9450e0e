"""Two Ray nodes on this machine, each a ``ray start`` of its own, so that one can be lost."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

import psutil

from benchmarks.running_system import free_port

_HEAD, _WORKER = "127.0.0.1", "127.0.0.2"
_START_SECONDS = 120.0
_STOP_SECONDS = 20.0
_FOLLOW_SECONDS = 2.0
"""In which workers notice that their raylet is gone."""
_STARTED = "Ray runtime started"
_STORE_BYTES = 160 * 1024**2
_WORKERS_PORTS = range(10002, 20000)
"""Ray gives these to workers."""


@contextmanager
def variables_set(variables: Mapping[str, str]) -> Iterator[None]:
    """Have variables in the environment of this process, and leave it as it was."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def ray_access(token: Path) -> Iterator[dict[str, str]]:
    """The variables by which nodes and drivers trust each other, set in this process, too.

    Args:
        token: A file that is made for it.
    """
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32), encoding="ascii")
    access = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    with variables_set(access):
        yield access


class RayNodes:
    """A head and a worker; what they start reads the environment they were given."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        dashboard: bool = False,
        resources: Mapping[str, int] | None = None,
    ) -> None:
        """Prepare them.

        Args:
            folder: For Ray's own files; its path must be short.
            environment: What they are started with.
            dashboard: Whether jobs can be submitted.
            resources: Custom resources of each.
        """
        self._folder = folder
        self._port = _own_port()
        self._resources = json.dumps(resources or {})
        self._dashboard = _own_port() if dashboard else None
        self._environment = {
            **environment,
            "RAY_raylet_start_wait_time_s": "90",  # the machine may have other work
            "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
            "RAY_scheduler_spread_threshold": "0.0",  # actors on both nodes, not on one until full
        }
        self._head: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._orphans: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """For INGEST_RAY_ADDRESS."""
        return f"{_HEAD}:{self._port}"

    @property
    def dashboard(self) -> str:
        """Where jobs are submitted."""
        return f"http://{_HEAD}:{self._dashboard}"

    def start(self) -> None:
        """Start both; after the head was lost, at another address.

        Raises:
            RuntimeError: one did not come up.
        """
        self._head = self._run(
            *("--head", f"--port={self._port}", f"--node-ip-address={_HEAD}"),
            *self._dashboard_options(),
            f"--ray-client-server-port={_own_port()}",
            f"--temp-dir={self._folder}",
        )
        self.start_worker()

    def _dashboard_options(self) -> list[str]:
        if self._dashboard is None:
            return ["--include-dashboard=false"]
        return [
            *("--include-dashboard=true", f"--dashboard-host={_HEAD}"),
            *(f"--dashboard-port={self._dashboard}", "--dashboard-agent-listen-port=0"),
        ]

    def start_worker(self) -> None:
        """Start the worker node, after the start or after it was lost."""
        self._worker = self._run(
            *(f"--address={self.address}", f"--node-ip-address={_WORKER}"),
            "--dashboard-agent-listen-port=0",
        )

    def kill_worker(self) -> int:
        """Kill the worker's raylet; returns how many of its processes went with it."""
        node = self._processes_of(self._worker)
        raylets = [process for process in node if _name(process) == "raylet"]
        kill(raylets)
        kill(psutil.wait_procs(node, timeout=_FOLLOW_SECONDS)[1])
        _end(self._worker)
        return len(node) if raylets else 0

    def kill_head(self) -> int:
        """Kill the head with all that runs on it; returns how many processes that were.

        The worker is left to find out that its cluster is gone.
        """
        node = self._processes_of(self._head)
        kill(node)
        _end(self._head)
        if self._worker is not None:
            self._orphans.append(self._worker)
            self._worker = None
        self._port = _own_port()
        return len(node)

    def processes(self, name: str = "") -> list[psutil.Process]:
        """What runs on the nodes and holds a name in its command line, in the order of ids."""
        found = []
        nodes = (self._head, self._worker, *self._orphans)
        for process in chain.from_iterable(map(self._processes_of, nodes)):
            try:
                if name in " ".join(process.cmdline()) and process.is_running():
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return sorted(found, key=lambda process: process.pid)

    def stop(self) -> None:
        """Kill both: what ran on them is over, and a raylet that is asked to end takes a minute."""
        kill(self.processes())
        for node in (*self._orphans, self._worker, self._head):
            _end(node)

    def _run(self, *options: str) -> "subprocess.Popen[bytes]":
        log = Path(self._folder.parent, f"ray-{time.time_ns()}.log")
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [
                    *(str(Path(sys.executable).with_name("ray")), "start", "--block"),
                    *("--num-cpus=4", f"--object-store-memory={_STORE_BYTES}"),
                    *("--disable-usage-stats", f"--resources={self._resources}", *options),
                ],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while _STARTED not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"a Ray node did not come up:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        return process

    @staticmethod
    def _processes_of(node: "subprocess.Popen[bytes] | None") -> list[psutil.Process]:
        if node is None or node.poll() is not None:
            return []
        try:
            children: list[psutil.Process] = psutil.Process(node.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return children


def _end(node: "subprocess.Popen[bytes] | None") -> None:
    if node is None:
        return
    left = RayNodes._processes_of(node)
    if node.poll() is None:
        node.terminate()
    try:
        node.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        node.kill()
        node.wait()
    kill(psutil.wait_procs(left, timeout=_STOP_SECONDS)[1])


def _name(process: psutil.Process) -> str:
    try:
        name: str = process.name()
    except psutil.NoSuchProcess:
        return ""
    return name


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill those that have not ended by themselves meanwhile."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _own_port() -> int:
    while (port := free_port()) in _WORKERS_PORTS:
        continue
    return port
