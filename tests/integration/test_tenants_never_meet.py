"""Two tenants use every route at once, in random order; no byte of one ever reaches the other."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from ingest.domain.scopes import Scope
from serve.authorization import NEEDED
from tests.integration.gateway import Running, bury, publish, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")
STEPS = 60
WITH_ID = [route for route in NEEDED if "{document_id}" in route or "{job_id}" in route]
LISTS = [route for route in NEEDED if route.startswith("GET ") and "{" not in route]


@dataclass(slots=True)
class Side:
    """One tenant: its gateway, its mark, and everything that only it may see."""

    gateway: Running
    dice: random.Random
    mark: str
    names: set[str] = field(default_factory=set)
    documents: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)


async def ask(side: Side, other: Side, route: str, **request: Any) -> httpx.Response:
    """One request of a side; nothing of the other one may be in the answer."""
    method, template = route.split(" ")
    path = template.format(**request.pop("path", {}))
    response = await side.gateway.client.request(method, path, **request)
    side.used.add(route)
    answer = response.text + str(response.headers)
    assert [name for name in other.names if name in answer] == []
    assert response.status_code < 500 or route == "GET /readyz", answer  # no stream runs here
    return response


async def upload_one(side: Side, other: Side) -> None:
    number = side.dice.randrange(10)
    text = f"The {side.mark} sails at {side.dice.random()}."
    response = await ask(
        side,
        other,
        "POST /v1/documents",
        params={"filename": f"{side.mark}-{number}.txt", "external_id": f"{side.mark}-{number}"},
        content=text.encode(),
        headers={"Idempotency-Key": f"key-{number}"} if side.dice.random() < 0.2 else {},
    )
    if response.status_code == 202:
        accepted = response.json()
        side.documents.append(accepted["document_id"])
        side.jobs.append(accepted["job_id"])
        side.names |= {accepted["document_id"], accepted["job_id"]}
        if (fate := side.dice.random()) < 0.6:
            await publish(side.gateway, text, f"{side.mark} has a second passage")
            side.ended.append(accepted["job_id"])
        elif fate < 0.8:
            await bury(side.gateway)


async def upload_two(side: Side, other: Side) -> None:
    """A new document, and one under a name that exists, perhaps."""
    fields = {"external_id": f"{side.mark}-{side.dice.randrange(10)}"}
    files = [
        ("file", (f"{side.mark}.txt", f"The {side.mark} lands at {side.dice.random()}."))
        for _ in range(2)
    ]
    route = "POST /v1/documents:batch"
    response = await ask(side, other, route, data=fields, files=files)
    for result in response.json()["results"]:
        side.documents.append(result["document_id"])
        side.jobs.append(result["job_id"])
        side.names |= {result["document_id"], result["job_id"]}


async def search(side: Side, other: Side) -> None:
    await ask(
        side,
        other,
        "POST /v1/search",
        json={
            "query": f"The {side.dice.choice((side.mark, 'ship'))} sails",
            "k": 100,
            "mode": side.dice.choice(("hybrid", "vector")),
            "document_ids": side.dice.choice((None, [*side.documents, *other.documents])),
        },
    )


async def list_everything(side: Side, other: Side) -> None:
    for route in side.dice.sample(LISTS, len(LISTS)):
        response = await ask(side, other, route)
        pages = route in ("GET /v1/documents", "GET /v1/jobs")
        if pages and (cursor := response.json()["next_cursor"]):
            await ask(side, other, route, params={"cursor": cursor})


async def look_up_many(side: Side, other: Side) -> None:
    ids = [*side.jobs, *other.jobs][:500] or [str(uuid4())]
    response = await ask(side, other, "POST /v1/jobs:batchGet", json={"job_ids": ids})
    assert {job["job_id"] for job in response.json()["jobs"]} <= set(side.jobs)


async def has_ended(side: Side, other: Side, job: str) -> bool:
    """Whether its events have an end; another job may have been claimed in its place."""
    response = await ask(side, other, "GET /v1/jobs/{job_id}", path={"job_id": job})
    return response.status_code == 200 and bool(response.json()["finished_at"])


async def use_own(side: Side, other: Side) -> None:
    route = side.dice.choice(WITH_ID)
    ids = side.documents if "{document_id}" in route else side.jobs
    ids = side.ended if route.endswith("/events") else ids
    if ids:
        name = side.dice.choice(ids)
        if route.endswith("/events") and not await has_ended(side, other, name):
            return
        response = await ask(side, other, route, path={"document_id": name, "job_id": name})
        for chunk in response.json().get("chunks", []) if route.endswith("/chunks") else []:
            side.names.add(chunk["chunk_id"])


async def use_foreign(side: Side, other: Side) -> None:
    """A foreign id is answered to the letter like one that never was."""
    route = side.dice.choice(WITH_ID)
    ids = other.documents if "{document_id}" in route else other.jobs
    if not ids:
        return
    answers = []
    for name in (side.dice.choice(ids), str(uuid4())):
        path = {"document_id": name, "job_id": name}
        response = await ask(side, other, route, path=path, headers={"X-Request-ID": "same"})
        headers = {k: v for k, v in response.headers.items() if k != "date"}
        answers.append((response.status_code, response.text, headers))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


async def clear_the_dead_letter(side: Side, other: Side) -> None:
    """What failed for the other one is neither found nor touched."""
    for route in ("POST /v1/dead-letter:replay", "POST /v1/dead-letter:discard"):
        foreign = await ask(side, other, route, json={"text": other.mark})
        assert foreign.json()["jobs"] == 0
    await ask(side, other, "POST /v1/dead-letter:replay", json={"dry_run": True})
    await ask(side, other, "POST /v1/dead-letter:discard", json={"limit": 1})


async def knock_as_a_provider(side: Side, other: Side) -> None:
    route = next(route for route, scope in NEEDED.items() if scope is Scope.WEBHOOK)
    response = await ask(side, other, route, path={"token": side.dice.choice((other.mark, "x"))})
    assert response.status_code == 404


DEEDS: tuple[tuple[Callable[[Side, Side], Awaitable[None]], int], ...] = (
    (upload_one, 4),
    (upload_two, 1),
    (search, 3),
    (list_everything, 1),
    (look_up_many, 1),
    (clear_the_dead_letter, 1),
    (use_own, 6),
    (use_foreign, 6),
    (knock_as_a_provider, 1),
)


def a_side(gateway: Running, seed: int) -> Side:
    mark = f"vessel{uuid4().hex}"
    return Side(gateway, random.Random(seed), mark, {mark, str(gateway.tenant)})


async def act(side: Side, other: Side) -> None:
    for _ in range(STEPS):
        [deed] = side.dice.choices([d for d, _ in DEEDS], [weight for _, weight in DEEDS])
        await deed(side, other)


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_byte_of_a_tenant_reaches_another(shared: Running, seed: int) -> None:
    async with shared.as_tenant() as first, shared.as_tenant() as second:
        one, two = a_side(first, seed), a_side(second, seed + 1000)

        await asyncio.gather(act(one, two), act(two, one))

        for side in (one, two):
            text = f"The {side.mark} waits in the harbour."
            found = await upload(side.gateway, text.encode(), filename="last.txt")
            while not await is_searchable(side, found["document_id"]):
                await publish(side.gateway, text)
        assert one.used | two.used == set(NEEDED)
        assert min(len(one.documents), len(two.documents)) > 3


async def is_searchable(side: Side, document_id: str) -> bool:
    """Whether the tenant reaches what is its own; isolation alone would be easy."""
    query = {"query": f"The {side.mark} waits in the harbour.", "document_ids": [document_id]}
    hits = (await side.gateway.client.post("/v1/search", json=query)).json()["hits"]
    assert all(UUID(hit["document_id"]) == UUID(document_id) for hit in hits)
    return bool(hits)
