"""What a key allows: one scope for each route, or public on purpose."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from ingest.adapters.postgres.admin.key_store import KeyStore
from ingest.domain.scopes import KEY_SCOPES, Scope
from serve.authorization import NEEDED
from tests.integration.gateway import PROBLEM, Running

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEYED = {route: scope for route, scope in NEEDED.items() if scope in KEY_SCOPES}
PUBLIC = {"GET /healthz", "GET /readyz", "GET /metrics"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keys(shared: Running) -> AsyncIterator[dict[Scope, str]]:
    """A key for each scope, with that scope alone."""
    store = KeyStore(shared.database)
    yield {scope: (await store.create(uuid4(), "test", scopes=[scope]))[1] for scope in KEY_SCOPES}


async def ask(shared: Running, route: str, key: str | None) -> tuple[int, str]:
    method, path = route.split(" ")
    response = await shared.client.request(
        method,
        re.sub(r"\{\w+\}", str(UUID(int=0)), path),
        headers={"Authorization": f"Bearer {key}"} if key else {},
    )
    is_problem = response.headers.get("content-type") == PROBLEM
    return response.status_code, response.json()["code"] if is_problem else ""


async def test_every_route_of_the_description_has_its_line(shared: Running) -> None:
    described = (await shared.client.get("/openapi.json")).json()["paths"]
    routes = {f"{method.upper()} {path}" for path, found in described.items() for method in found}

    assert routes == set(NEEDED)
    assert {route for route, scope in NEEDED.items() if scope is None} == PUBLIC
    assert all(" /v1/webhooks/" in r for r, scope in NEEDED.items() if scope is Scope.WEBHOOK)


async def test_the_description_names_every_route_there_is(shared: Running) -> None:
    """A route that is left out of it would escape the test above."""
    routes = [
        inner
        for route in shared.api.routes
        for inner in getattr(getattr(route, "original_router", None), "routes", [route])
    ]

    hidden = {route.path for route in routes if not getattr(route, "include_in_schema", True)}

    assert len(routes) > len(NEEDED)
    assert hidden == {"/docs", "/openapi.json"}


@pytest.mark.parametrize("route", KEYED)
async def test_a_route_opens_to_its_scope_alone(
    shared: Running, keys: dict[Scope, str], route: str
) -> None:
    answers = {scope: await ask(shared, route, keys[scope]) for scope in KEY_SCOPES}

    assert await ask(shared, route, None) == (401, "unauthenticated")
    for scope, answer in answers.items():
        if scope is KEYED[route]:
            assert answer[0] not in (401, 403)
        else:
            assert answer == (403, "forbidden")


@pytest.mark.parametrize("route", sorted(PUBLIC))
async def test_what_is_public_asks_for_nothing(shared: Running, route: str) -> None:
    assert (await ask(shared, route, None))[0] not in (401, 403)


async def test_a_refusal_names_what_is_missing(shared: Running, keys: dict[Scope, str]) -> None:
    response = await shared.client.delete(
        f"/v1/documents/{uuid4()}", headers={"Authorization": f"Bearer {keys[Scope.READ]}"}
    )

    assert response.json()["detail"] == "this needs the scope 'write'; the caller has read"
    assert "insufficient_scope" in response.headers["www-authenticate"]


async def test_a_key_ends_when_its_time_is_over(shared: Running) -> None:
    store, now = KeyStore(shared.database), datetime.now(UTC)
    _, ended = await store.create(uuid4(), "test", expires_at=now - timedelta(seconds=1))
    _, lasting = await store.create(uuid4(), "test", expires_at=now + timedelta(hours=1))

    assert await ask(shared, "GET /v1/jobs", ended) == (401, "unauthenticated")
    assert await ask(shared, "GET /v1/jobs", lasting) == (200, "")
    assert [view.valid for view in (await store.list_all())[:2]] == [True, False]
