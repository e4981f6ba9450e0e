"""A route that takes several values of one query parameter."""

from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query

from serve.query_parameters import StrictRoute


async def tags_of(tags: Annotated[list[str] | None, Query()] = None) -> list[str]:
    return tags or []


async def many(
    tags: Annotated[list[str], Depends(tags_of)],
    kinds: Annotated[set[str], Query(alias="kind")],
) -> list[str]:
    return [*tags, *sorted(kinds)]


@pytest.mark.parametrize(
    ("query", "values"),
    [("tags=a&kind=b", ["a", "b"]), ("tags=a&tags=b&kind=c&kind=d", ["a", "b", "c", "d"])],
)
async def test_a_parameter_that_takes_several_values_may_be_repeated(
    query: str, values: list[str]
) -> None:
    router, api = APIRouter(route_class=StrictRoute), FastAPI()
    router.get("/many")(many)
    api.include_router(router)
    transport = httpx.ASGITransport(api)

    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        response = await client.get(f"/many?{query}")

    assert response.json() == values
