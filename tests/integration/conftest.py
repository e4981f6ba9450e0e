"""A gateway over HTTP and a simulated LlamaParse, one a test file, fresh for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from benchmarks.simulator import Simulator, running_simulator
from ingest.adapters.postgres.pool import Database
from tests.integration import cli_system
from tests.integration.batch_fixtures import OPTIONS, Batching, batching
from tests.integration.gateway import Running, shared_gateway
from tests.integration.parsing_fixtures import ParsingFixture

_FAST = ("--base-seconds", "0.02", "--seconds-per-page", "0.001")

_STORES = frozenset(
    f"test_{name}"
    for name in (
        "accept_together", "chunk_store", "claims", "document_store", "job_store", "ledger_store",
        "registers", "search_store", "stale_writers",
    )
)  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Test the stores straight, through a pooler, and on an older server."""
    name = metafunc.module.__name__.rpartition(".")[2]
    if name in _STORES and "way" in metafunc.fixturenames:
        metafunc.parametrize("way", ["straight", "pooler", "older"], indirect=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    server_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """A gateway with a database and a blob folder of its own."""
    folder = tmp_path_factory.mktemp("gateway")
    async with shared_gateway(server_url, template_database, folder) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def gateway(shared: Running) -> AsyncIterator[Running]:
    """That gateway, as a tenant nobody else is."""
    async with shared.as_tenant() as tenant:
        yield tenant


@pytest.fixture(scope="module")
def system(
    server_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[cli_system.Running]:
    """A gateway that wants keys, and a worker."""
    folder = tmp_path_factory.mktemp("system")
    with cli_system.running(server_url, template_database, folder) as started:
        yield started


@pytest.fixture
async def filled(filled_url: str) -> AsyncIterator[Database]:
    """The database that a file's own ``filled_url`` filled, shared by its tests."""
    database = Database(filled_url)
    yield database
    await database.close()


@pytest.fixture(scope="module")
def running_llamaparse() -> Iterator[Simulator]:
    """As a process, quick and without faults."""
    with running_simulator("llamaparse", *_FAST, "--key", "llx-a", "--key", "llx-b") as simulator:
        yield simulator


@pytest.fixture
def llamaparse(running_llamaparse: Simulator) -> Simulator:
    """With nothing remembered, and a thousand credits."""
    running_llamaparse.reset()
    running_llamaparse.client.post(
        "/sim/options",
        json={"credits": 1000, "page_fail_rate": 0, "expire_seconds": 3600, "max_bytes": 10**6},
    )
    return running_llamaparse


@pytest.fixture
async def parsing(
    llamaparse: Simulator, database: Database, tmp_path: Path
) -> AsyncIterator[ParsingFixture]:
    """A tenant whose documents it parses."""
    made = ParsingFixture(llamaparse, database, tmp_path)
    yield made
    await made.close()


@pytest.fixture(scope="module")
def running_batches() -> Iterator[Simulator]:
    """A simulated OpenAI whose batches take a fifth of a second."""
    with running_simulator("openai", *OPTIONS) as simulator:
        yield simulator


@pytest.fixture
def batches(running_batches: Simulator) -> Simulator:
    """With nothing remembered."""
    running_batches.reset()
    return running_batches


@pytest.fixture
async def lane(batches: Simulator, database: Database) -> AsyncIterator[Batching]:
    """The lane batch, with that provider."""
    async with batching(batches, database) as made:
        yield made
