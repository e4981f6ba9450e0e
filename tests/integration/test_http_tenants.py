"""Tenants come into being with the first upload of theirs."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import jwt
import pytest
import pytest_asyncio

from ingest.adapters.postgres.admin.key_store import KeyStore
from ingest.domain.identity import tenant_id_of
from ingest.settings import Auth
from tests import builders
from tests.integration.gateway import Running, a_database, a_settings, running, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "a secret of more than thirty-two bytes"  # noqa: S105 of this test alone


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(
    server_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """A gateway that takes keys and tokens."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    with a_database(server_url, template_database) as url:
        settings = a_settings(url, folder, auth=Auth.BOTH, jwt_secret=SECRET, jwt_audience="ingest")
        async with running(settings) as started:
            yield started


def by_token(tenant: str) -> dict[str, str]:
    claims = {"tenant": tenant, "scope": "read write", "aud": "ingest", "exp": time.time() + 60}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}


async def row(gateway: Running, tenant: UUID) -> list[str | None]:
    found = await builders.fetch(
        gateway.database, "SELECT name FROM upload_pipeline.tenants WHERE tenant_id = $1", tenant
    )
    return [row["name"] for row in found]


async def test_a_token_registers_its_tenant_with_the_first_upload(both: Running) -> None:
    name = f"firm-{uuid4().hex}"
    searched = await both.client.get("/v1/jobs", headers=by_token(name))
    before = await row(both, tenant_id_of(name))

    await upload(both, headers=by_token(name))

    assert searched.status_code == 200
    assert before == []
    assert await row(both, tenant_id_of(name)) == [name]


@pytest.mark.parametrize("claim", ["a\u202eb", "a\nb", "x\0", "{uuid}"])
async def test_a_claim_that_is_no_readable_name_is_refused(both: Running, claim: str) -> None:
    claim = claim.format(uuid=uuid4())

    answer = await both.client.get("/v1/documents", headers=by_token(claim))

    assert answer.status_code == 401
    assert await row(both, tenant_id_of(claim)) == []


async def test_a_key_registers_its_tenant_and_a_token_adds_the_name(both: Running) -> None:
    name = f"firm-{uuid4().hex}"
    _, key = await KeyStore(both.database).create(tenant_id_of(name), "test")

    await upload(both, headers={"Authorization": f"Bearer {key}"})
    by_key = await row(both, tenant_id_of(name))
    await upload(both, headers=by_token(name))

    assert by_key == [None]
    assert await row(both, tenant_id_of(name)) == [name]


async def test_only_the_first_upload_of_a_process_registers(both: Running) -> None:
    name = f"firm-{uuid4().hex}"
    await upload(both, headers=by_token(name))
    await builders.fetch(
        both.database,
        "DELETE FROM upload_pipeline.tenants WHERE tenant_id = $1",
        tenant_id_of(name),
    )

    await upload(both, b"Another.", headers=by_token(name))

    assert await row(both, tenant_id_of(name)) == []


async def test_an_upload_is_taken_though_its_tenant_cannot_be_registered(both: Running) -> None:
    name = f"firm-{uuid4().hex}"
    await builders.fetch(
        both.database,
        "INSERT INTO upload_pipeline.tenants (tenant_id, name) VALUES ($1, $2)",
        uuid4(),
        name,
    )

    accepted = await upload(both, headers=by_token(name))

    assert accepted["created"]


async def test_usage_names_the_tenant(both: Running) -> None:
    name, other = f"firm-{uuid4().hex}", uuid4()
    _, key = await KeyStore(both.database).create(other, "test")
    await upload(both, headers=by_token(name))

    named = (await both.client.get("/v1/usage", headers=by_token(name))).json()
    by_key = {"Authorization": f"Bearer {key}"}
    unnamed = (await both.client.get("/v1/usage", headers=by_key)).json()

    assert (named["tenant_id"], named["tenant_name"]) == (str(tenant_id_of(name)), name)
    assert (unnamed["tenant_id"], unnamed["tenant_name"]) == (str(other), None)
