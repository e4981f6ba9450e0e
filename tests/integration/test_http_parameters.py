"""Query parameters that a route does not know, or gets twice: refused on every route."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi.routing import APIRoute

from serve.authorization import NEEDED
from tests.integration.gateway import PROBLEM, Running, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOLERANT = {
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /docs",
    "POST /v1/webhooks/llamaparse/{token}",
}
"""Asked by machines and browsers that may add parameters of their own."""


async def ask(shared: Running, route: str, query: str, **more: Any) -> httpx.Response:
    method, path = route.split(" ")
    url = re.sub(r"\{\w+\}", str(UUID(int=0)), path)
    return await shared.client.request(method, f"{url}?{query}", **more)


def problem_of(response: httpx.Response, code: str) -> dict[str, Any]:
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = response.json()
    assert problem["code"] == code
    return problem


async def test_every_route_refuses_a_parameter_that_it_does_not_know(shared: Running) -> None:
    routes = [
        inner
        for route in shared.api.routes
        for inner in getattr(getattr(route, "original_router", None), "routes", [route])
    ]
    walked = {
        f"{method} {route.path_format}"
        for route in routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }

    answers = {route: await ask(shared, route, "colour=red") for route in walked}

    assert walked == set(NEEDED) | TOLERANT
    for route in walked - TOLERANT:
        problem = problem_of(answers[route], "unknown_parameter")
        assert [error["field"] for error in problem["errors"]] == ["query.colour"], route
        assert "'colour'" in problem["detail"]
    for route in TOLERANT:
        assert b"unknown_parameter" not in answers[route].content, route


async def test_every_parameter_that_is_described_is_known(shared: Running) -> None:
    described = (await shared.client.get("/openapi.json")).json()["paths"]

    for path, operations in described.items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                if parameter["in"] != "query":
                    continue
                route, name = f"{method.upper()} {path}", parameter["name"]
                once = await ask(shared, route, f"{name}=x")
                twice = await ask(shared, route, f"{name}=x&{name}=y")
                assert b"unknown_parameter" not in once.content, (route, name)
                problem_of(twice, "repeated_parameter")
            assert "422" in operation["responses"] or f"{method.upper()} {path}" in TOLERANT


@pytest.mark.parametrize(
    ("route", "query", "detail"),
    [
        (
            "GET /v1/documents",
            "cursr=x",
            "'cursr' is no query parameter of this route; did you mean 'cursor'? "
            "It takes: cursor, limit, warning",
        ),
        (
            "GET /v1/documents",
            "Limit=3",
            "'Limit' is no query parameter of this route; did you mean 'limit'? "
            "It takes: cursor, limit, warning",
        ),
        (
            "POST /v1/documents",
            "filename=a.txt&tags=x",
            "'tags' is no query parameter of this route. "
            "It takes: external_id, filename, replace, source_path",
        ),
        (
            "GET /v1/documents/{document_id}/chunks",
            "start=1",
            "'start' is no query parameter of this route. It takes: from, limit",
        ),
        ("GET /v1/budgets", "=", "'' is no query parameter of this route. It takes none"),
        (
            "GET /v1/documents",
            "limit=1&limit=2",
            "the query parameter 'limit' is given 2 times; it takes one value",
        ),
    ],
)
async def test_the_refusal_names_the_parameter_the_nearest_one_and_all(
    shared: Running, route: str, query: str, detail: str
) -> None:
    assert (await ask(shared, route, query)).json()["detail"] == detail


async def test_every_wrong_parameter_is_named_and_a_long_one_is_cut(shared: Running) -> None:
    response = await ask(shared, "GET /v1/jobs", f"stat=done&{'x' * 500}=1&stat=failed")

    problem = problem_of(response, "unknown_parameter")
    assert [error["field"] for error in problem["errors"]] == ["query.stat", f"query.{'x' * 99}…"]
    assert "'state'" in problem["errors"][0]["message"]


async def test_nothing_is_stored_or_deleted_after_a_parameter_that_is_not_known(
    gateway: Running,
) -> None:
    response = await gateway.client.post("/v1/documents?filename=a.txt&tags=x", content=b"text")
    kept = await upload(gateway, b"This stays.")
    deleted = await gateway.client.delete(f"/v1/documents/{kept['document_id']}?dry_run=true")
    listed = await gateway.client.get("/v1/documents?external_id=nobody")

    for refused in (response, deleted, listed):
        problem_of(refused, "unknown_parameter")
    assert gateway.count() == (1, 1)


async def test_an_upload_is_refused_before_its_body_is_read(shared: Running) -> None:
    head = "POST /v1/documents?filename=a.txt&tags=x HTTP/1.1\nContent-Length: 1000000"

    async with shared.connect(head) as (reader, _):
        line = await reader.readline()

    assert line.split()[1] == b"422"


async def test_a_body_that_is_broken_hides_no_wrong_parameter(shared: Running) -> None:
    response = await ask(shared, "POST /v1/search", "k=3", content=b"{")

    problem = problem_of(response, "unknown_parameter")
    assert "It takes none" in problem["detail"]
