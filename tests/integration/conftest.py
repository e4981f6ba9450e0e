"""A gateway over HTTP, one a test file, and a tenant of it for each test."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from integration.gateway import Running, shared_gateway


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
