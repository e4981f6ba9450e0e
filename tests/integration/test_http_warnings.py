"""Warnings of a parser over HTTP: with documents and jobs, in lists, and as a filter."""

import json
from typing import Any

import pytest

from ingest.domain.parse_warning import ParseWarning, WarningCode
from tests.integration.gateway import Running, publish, upload

BLANK = ParseWarning(WarningCode.PAGE_WITHOUT_TEXT, "pages 2 to 4 hold no text")
CHART = ParseWarning(WarningCode.PART_NOT_READ, "the chart on page 5 was not read")
MANY = tuple(
    ParseWarning(WarningCode.SHEET_SKIPPED, f"sheet {number} was not read") for number in range(12)
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def shown(*warnings: ParseWarning) -> list[dict[str, str]]:
    return [{"code": one.code.value, "message": one.message} for one in warnings]


async def read(gateway: Running, path: str) -> dict[str, Any]:
    response = await gateway.client.get(path)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def listed(gateway: Running, **params: str) -> list[str]:
    response = await gateway.client.get("/v1/documents", params=params)
    assert response.status_code == 200, response.text
    return [document["document_id"] for document in response.json()["documents"]]


async def test_a_document_and_its_job_show_what_was_not_read(gateway: Running) -> None:
    uploaded = await upload(gateway)
    before = await read(gateway, uploaded["document_url"])
    await publish(gateway, "Something was read.", warnings=(BLANK, CHART))

    document = await read(gateway, uploaded["document_url"])
    job = await read(gateway, uploaded["status_url"])
    asked = {"job_ids": [uploaded["job_id"]]}
    batch = (await gateway.client.post("/v1/jobs:batchGet", json=asked)).json()["jobs"]
    jobs = (await read(gateway, "/v1/jobs"))["jobs"]
    documents = (await read(gateway, "/v1/documents"))["documents"]

    assert (before["warning_count"], before["warnings"]) == (0, [])
    for body in (document, job, *batch, *jobs, *documents):
        assert body["warning_count"] == 2
        assert body["warnings"] == shown(BLANK, CHART)


async def test_a_list_shows_the_first_ten_warnings_and_a_single_read_all(gateway: Running) -> None:
    uploaded = await upload(gateway)
    await publish(gateway, "Something was read.", warnings=MANY)

    whole = [await read(gateway, uploaded[url]) for url in ("document_url", "status_url")]
    cut = [(await read(gateway, f"/v1/{name}"))[name][0] for name in ("documents", "jobs")]

    assert [body["warning_count"] for body in whole + cut] == [12] * 4
    assert [body["warnings"] for body in whole] == [shown(*MANY)] * 2
    assert [body["warnings"] for body in cut] == [shown(*MANY[:10])] * 2


async def test_documents_are_listed_by_their_warnings_page_by_page(gateway: Running) -> None:
    ids = []
    for number, warnings in enumerate([(BLANK,), (), (BLANK, CHART), (CHART,)]):
        ids.append((await upload(gateway, b"Text %d." % number))["document_id"])
        await publish(gateway, f"Text {number}.", warnings=warnings)

    first = await read(gateway, "/v1/documents?warning=any&limit=2")
    rest = await listed(gateway, warning="any", cursor=first["next_cursor"])

    assert [document["document_id"] for document in first["documents"]] == [ids[3], ids[2]]
    assert rest == [ids[0]]
    assert await listed(gateway, warning="page_without_text") == [ids[2], ids[0]]
    assert await listed(gateway, warning="rows_cut") == []
    assert await listed(gateway) == ids[::-1]


async def test_a_code_that_does_not_exist_is_refused(gateway: Running) -> None:
    response = await gateway.client.get("/v1/documents", params={"warning": "page_lost"})

    assert response.status_code == 422
    assert "page_without_text" in json.dumps(response.json())


async def test_new_content_takes_the_warnings_of_the_old_one_away(gateway: Running) -> None:
    old = await upload(gateway, b"Old text.", external_id="report")
    await publish(gateway, "Old text.", warnings=(BLANK,))

    new = await upload(gateway, b"New text.", external_id="report")
    replaced = await read(gateway, new["document_url"])
    await publish(gateway, "New text.", warnings=(CHART,))

    assert replaced["warnings"] == []
    assert (await read(gateway, old["status_url"]))["warnings"] == []
    for url in ("document_url", "status_url"):
        assert (await read(gateway, new[url]))["warnings"] == shown(CHART)
    assert await listed(gateway, warning="page_without_text") == []
