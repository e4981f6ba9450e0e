"""Databases for tests: one embedded server a run, one migrated database a test."""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import psycopg
import pytest
from moto.server import ThreadedMotoServer

from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
from ingest.adapters.postgres.pool import Database
from tests import servers


@dataclass(frozen=True, slots=True)
class Way:
    """To a database."""

    url: str
    pooler: bool = False


_NUMBERS = itertools.count(1)
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it has a name of its own
_ROOM_BYTES = 4 * 1024**3
_FAST = ("fsync = off", "full_page_writes = off", "max_wal_size = '256MB'")
"""Nobody pulls this server's plug."""


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL server with pgvector: INGEST_TEST_DSN, or an embedded one.

    Not in pytest's own folder: the next pytest that is started closes that to other users, and
    under root the server runs as another user.
    """
    if dsn := os.environ.get("INGEST_TEST_DSN"):
        yield dsn
        return
    with (
        tempfile.TemporaryDirectory(prefix="ingest-pg-", dir=_in_memory()) as folder,
        EmbeddedPostgres(Path(folder)) as server,
    ):
        url = server.start()
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in _FAST:
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
        yield url


def _in_memory() -> Path | None:
    """A folder in memory, if there is one with room: copying a database is mostly making files."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES
    return _MEMORY if has_room and os.access(_MEMORY, os.W_OK) else None


@pytest.fixture(scope="session")
def template_database(server_url: str) -> Iterator[str]:
    """Name of a migrated, empty database."""
    with _template(server_url) as name:
        yield name


@contextmanager
def _template(server_url: str) -> Iterator[str]:
    name = f"template_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    migrate.upgrade(on_database(server_url, name))
    yield name
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(server_url: str, template_database: str) -> Iterator[str]:
    """URL of a migrated, empty database of the test's own."""
    with _copy(server_url, template_database) as url:
        yield url


@contextmanager
def _copy(server_url: str, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield on_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def pooler_url(server_url: str) -> Iterator[str]:
    """A pooler in transaction mode before every database of the server."""
    if not os.access(servers.PGBOUNCER, os.X_OK):
        pytest.skip("pgbouncer is not installed")
    with servers.pgbouncer(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def older_server() -> Iterator[tuple[str, str]]:
    """URL and template of a server of the oldest major version that is tested."""
    with servers.older_server() as url, _template(url) as template:
        yield url, template


@pytest.fixture
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    """How a test reaches its database: straight, unless it is parametrised otherwise."""
    kind = getattr(request, "param", "straight")
    if kind == "older":
        with _copy(*request.getfixturevalue("older_server")) as url:
            yield Way(url)
        return
    url = request.getfixturevalue("database_url")
    if kind == "pooler":
        pooler = request.getfixturevalue("pooler_url")
        url = pooler + urlsplit(url).path
    yield Way(url, pooler=kind == "pooler")


@pytest.fixture
async def database(way: Way) -> AsyncIterator[Database]:
    """A migrated, empty database of the test's own."""
    opened = Database(way.url, pool_size=10, pooler=way.pooler)
    yield opened
    await opened.close()


def on_database(url: str, name: str) -> str:
    """The same server, another database."""
    base, _, query = url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Endpoint of an S3 server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Endpoint of an S3 server with the bucket ``documents``, which this process may use."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1")
    client.create_bucket(Bucket="documents")
    return s3_server
