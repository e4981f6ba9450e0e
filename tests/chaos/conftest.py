"""The stages in this process, with a database, blobs and a simulated OpenAI."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from benchmarks.simulator import Simulator, running_simulator
from ingest.adapters.postgres.pool import Database
from tests.chaos.workshop import Workshop


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """Slow enough for two calls to be under way at once."""
    with running_simulator("openai", "--latency", "0.2") as running:
        yield running


@pytest.fixture
async def workshop(
    database: Database, simulator: Simulator, tmp_path: Path
) -> AsyncIterator[Workshop]:
    """Nothing has happened in it."""
    simulator.reset()
    async with Workshop(database, simulator, tmp_path).open() as opened:
        yield opened
