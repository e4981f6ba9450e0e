"""Who is let in."""

import asyncio
from uuid import uuid4

import pytest

from ingest.adapters.postgres.admin.key_store import KeyStore
from ingest.domain.errors import Unauthenticated
from ingest.wiring.providers import WEBHOOK_PATH
from serve.authentication import REMEMBERED_SECONDS, KeyRing
from tests.integration.gateway import Running, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer ing_unknown"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer Ã¤"},
        {"Authorization": "Basic aW5nOnNlc2FtZQ=="},
        {"Authorization": "ing_unknown"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/documents?filename=a.txt"),
        ("GET", "/v1/documents"),
        ("GET", "/v1/jobs"),
        ("POST", "/v1/search"),
    ],
)
async def test_without_a_valid_key_nobody_gets_in(
    shared: Running, headers: dict[str, str], method: str, path: str
) -> None:
    encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}

    response = await shared.client.request(method, path, headers=encoded, content=b"text")

    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_every_route_of_the_api_wants_a_key(shared: Running) -> None:
    """But the one providers call: its address is the key, and an unknown one is a 404."""
    described = (await shared.client.get("/openapi.json")).json()
    unknown = "00000000-0000-0000-0000-000000000000"
    paths = [
        (method, path.format(document_id=unknown, job_id=unknown))
        for path, operations in described["paths"].items()
        for method in operations
        if path.startswith("/v1/") and not path.startswith(WEBHOOK_PATH)
    ]

    statuses = {(await shared.client.request(method, path)).status_code for method, path in paths}

    assert len(paths) >= 12
    assert statuses == {401}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"])
async def test_machines_and_readers_need_no_key(shared: Running, path: str) -> None:
    response = await shared.client.get(path)

    assert response.status_code != 401


async def test_an_upload_without_a_key_is_refused_before_its_body_is_read(
    shared: Running,
) -> None:
    head = "POST /v1/documents?filename=a.txt HTTP/1.1\nContent-Length: 1000000"

    async with asyncio.timeout(5), shared.connect(head) as (reader, _):
        status_line = await reader.readline()

    assert b" 401 " in status_line


async def test_a_revoked_key_stops_working_within_moments(shared: Running) -> None:
    keys = KeyStore(shared.database)
    key_id, key = await keys.create(uuid4(), "test")
    headers = {"Authorization": f"Bearer {key}"}
    await upload(shared, headers=headers)
    await keys.revoke(key_id)

    async with asyncio.timeout(REMEMBERED_SECONDS + 2):
        while (await shared.client.get("/v1/jobs", headers=headers)).status_code == 200:
            pass

    response = await shared.client.get("/v1/jobs", headers=headers)
    assert response.status_code == 401


async def test_a_key_is_remembered_for_a_moment_and_no_longer(shared: Running) -> None:
    keys, now = KeyStore(shared.database), [0.0]
    ring = KeyRing(keys, clock=lambda: now[0])
    owner = uuid4()
    key_id, key = await keys.create(owner, "test")
    assert (await ring.caller(key)).tenant_id == owner
    await keys.revoke(key_id)

    now[0] = REMEMBERED_SECONDS - 0.01
    assert (await ring.caller(key)).tenant_id == owner
    now[0] = REMEMBERED_SECONDS + 0.01
    with pytest.raises(Unauthenticated):
        await ring.caller(key)


async def test_only_keys_that_are_good_are_remembered(shared: Running) -> None:
    keys = KeyStore(shared.database)
    ring = KeyRing(keys)
    key_id, key = await keys.create(uuid4(), "test")
    await keys.revoke(key_id)

    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await ring.caller(key)
