"""The dead letter over HTTP: narrowed, paged, replayed and discarded, each tenant its own."""

from typing import Any

import pytest

from tests.integration.gateway import PROBLEM, Running, bury, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/dead-letter"


async def buried(gateway: Running, *names: str) -> list[str]:
    """Ids of new jobs that failed for good, one a filename."""
    made = []
    for name in names:
        made.append((await upload(gateway, name.encode(), filename=name))["job_id"])
        await bury(gateway)
    return made


async def ask(gateway: Running, verb: str, **body: Any) -> dict[str, Any]:
    response = await gateway.client.post(f"{PATH}:{verb}", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_the_dead_letter_is_narrowed_and_paged(gateway: Running) -> None:
    made = await buried(gateway, "a.txt", "b.txt", "c.txt")

    pages, cursor = [], None
    while True:
        params = {"limit": "2", "code": "document_unreadable", "class": "DocumentRejected"}
        page = await gateway.client.get(
            PATH, params=params | ({"cursor": cursor} if cursor else {})
        )
        pages.append([job["job_id"] for job in page.json()["jobs"]])
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    narrowed = await gateway.client.get(
        PATH, params={"text": "B.TXT", "newer_than_seconds": 3600, "older_than_seconds": 0}
    )
    nothing = await gateway.client.get(PATH, params={"older_than_seconds": 3600})

    assert pages == [[made[2], made[1]], [made[0]]]
    assert [job["filename"] for job in narrowed.json()["jobs"]] == ["b.txt"]
    assert nothing.json() == {"jobs": [], "next_cursor": None}


async def test_a_replay_says_first_what_it_would_do_and_is_done_once(gateway: Running) -> None:
    made = await buried(gateway, "a.txt", "b.txt", "c.txt")

    would = await ask(gateway, "replay", text=".txt", limit=2, dry_run=True)
    first = await ask(gateway, "replay", text=".txt", limit=2)
    second = await ask(gateway, "replay", text=".txt")
    third = await ask(gateway, "replay", text=".txt")

    nothing = {"superseded": 0, "last_due_at": None}
    assert would == {"dry_run": True, "jobs": 2, "left": 1} | nothing
    assert (first["jobs"], first["left"], second["jobs"], third["jobs"]) == (2, 1, 1, 0)
    assert first["last_due_at"] < second["last_due_at"]
    job = (await gateway.client.get(f"/v1/jobs/{made[0]}")).json()
    assert (job["state"], job["replay_count"]) == ("queued", 1)
    assert job["last_error"]["message"] == "the file is torn"


async def test_a_discarded_job_is_cancelled(gateway: Running) -> None:
    [job_id] = await buried(gateway, "a.txt")

    first = await ask(gateway, "discard")
    second = await ask(gateway, "discard")

    assert first == {"dry_run": False, "jobs": 1, "left": 0}
    assert second == {"dry_run": False, "jobs": 0, "left": 0}
    assert (await gateway.client.get(f"/v1/jobs/{job_id}")).json()["state"] == "cancelled"


async def test_a_tenant_reaches_only_its_own_dead_letter(gateway: Running, shared: Running) -> None:
    [job_id] = await buried(gateway, "a.txt")

    async with shared.as_tenant() as other:
        listed = (await other.client.get(PATH)).json()
        replayed, discarded = await ask(other, "replay"), await ask(other, "discard")

    assert listed["jobs"] == []
    assert (replayed["jobs"], discarded["jobs"]) == (0, 0)
    assert (await gateway.client.get(f"/v1/jobs/{job_id}")).json()["state"] == "deadletter"


@pytest.mark.parametrize("body", [
    {"limit": 0}, {"limit": 1001}, {"limit": "5"}, {"older_than_seconds": -1}, {"kode": "x"},
    {"text": "\0"}, {"text": " "}, {"code": "x" * 201}, {"newer_than_seconds": 1e300},
])  # fmt: skip
async def test_a_filter_that_makes_no_sense_is_refused(
    gateway: Running, body: dict[str, Any]
) -> None:
    for verb in ("replay", "discard"):
        response = await gateway.client.post(f"{PATH}:{verb}", json=body)

        assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
        assert response.headers["content-type"] == PROBLEM


@pytest.mark.parametrize("query", ["text=%00", "older_than_seconds=nan", "cursor=x", "limit=201"])
async def test_a_list_that_makes_no_sense_is_refused(gateway: Running, query: str) -> None:
    response = await gateway.client.get(f"{PATH}?{query}")

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
