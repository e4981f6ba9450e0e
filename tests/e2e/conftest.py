"""A running system, with a database that tests can look into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.running_system import RunningSystem, running_system
from tests.e2e.databases import new_ledger
from tests.ledger import Ledger


@pytest.fixture(scope="module")
def ledger(
    request: pytest.FixtureRequest, server_url: str, template_database: str
) -> Iterator[Ledger]:
    """A migrated, empty database for the module's system."""
    name = f"e2e_{request.module.__name__.rpartition('.')[2]}"
    with new_ledger(server_url, template_database, name) as made:
        yield made


@pytest.fixture(scope="session")
def shared_ledger(server_url: str, template_database: str) -> Iterator[Ledger]:
    """The database of ``shared_system``; it holds what the tests before left in it."""
    with new_ledger(server_url, template_database, "e2e_shared") as made:
        yield made


@pytest.fixture(scope="session")
def shared_system(
    tmp_path_factory: pytest.TempPathFactory, shared_ledger: Ledger
) -> Iterator[RunningSystem]:
    """The whole system, as ``ingest up`` starts it with no settings: one for several modules.

    A start takes half a minute of a core, so tests that need no settings of their own use this
    one. They may kill parts of it, which come back; they leave it running, without unfinished jobs.
    """
    folder = Path(tmp_path_factory.mktemp("system"))
    with running_system(folder, database_url=shared_ledger.url) as running:
        yield running
