"""A running system, with a database that tests can look into."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from benchmarks.running_system import RunningSystem, running_system
from tests.ledger import Ledger


@pytest.fixture(scope="module")
def ledger(
    request: pytest.FixtureRequest, server_url: str, template_database: str
) -> Iterator[Ledger]:
    """A migrated, empty database for the module's system."""
    name = f"e2e_{request.module.__name__.rpartition('.')[2]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}".encode())
    base, _, query = server_url.partition("?")
    yield Ledger(f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else ""))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, ledger: Ledger) -> Iterator[RunningSystem]:
    """The whole system, as ``ingest up`` starts it, on that database."""
    folder = Path(tmp_path_factory.mktemp("system"))
    with running_system(folder, database_url=ledger.url) as running:
        yield running
