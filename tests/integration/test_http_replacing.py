"""Uploads under an external id that exists: what they replace, and refusing to replace."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.integration.gateway import Running, publish, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def attempt(gateway: Running, content: bytes, **query: str) -> httpx.Response:
    """Upload under the external id ``guide``, without replacing."""
    params = {"filename": "note.txt", "external_id": "guide", "replace": "false"} | query
    return await gateway.client.post("/v1/documents", params=params, content=content)


async def document(gateway: Running, accepted: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await gateway.client.get(accepted["document_url"])).json()
    return found


async def test_the_next_generation_names_the_one_that_it_replaces(gateway: Running) -> None:
    first = await upload(
        gateway, b"Ours.", filename="README.md", external_id="README.md", source_path="hr/README.md"
    )
    await publish(gateway, "Ours.")

    second = await upload(
        gateway, b"Theirs.", filename="readme.md", external_id="README.md", source_path="it/readme"
    )
    third = await upload(gateway, b"Nobody's.", external_id="README.md")
    fourth = await upload(gateway, b"Once more.", external_id="README.md")

    assert first["replaces"] is None
    assert second["replaces"] == {
        "filename": "README.md", "source_path": "hr/README.md", "generation": 1,
    }  # fmt: skip
    assert third["replaces"] == {
        "filename": "readme.md", "source_path": "it/readme", "generation": 2,
    }  # fmt: skip
    assert fourth["replaces"] == {"filename": "note.txt", "source_path": None, "generation": 3}


async def test_the_same_bytes_from_another_path_replace_nothing(gateway: Running) -> None:
    await upload(gateway, b"Same.", external_id="README.md", source_path="hr/README.md")

    again = await upload(gateway, b"Same.", external_id="README.md", source_path="it/README.md")

    assert (again["created"], again["replaces"]) == (False, None)


async def test_without_replacing_other_bytes_are_refused_and_leave_nothing(
    gateway: Running,
) -> None:
    first = await upload(gateway, b"First.", external_id="guide", source_path="hr/guide.txt")
    await publish(gateway, "First.")
    blobs, before = gateway.blob_files(), await document(gateway, first)

    refused = await attempt(gateway, b"Second.")

    assert (refused.status_code, refused.json()["code"]) == (409, "document_exists")
    assert refused.json()["detail"].startswith(
        "the external id 'guide' has other content, uploaded as 'hr/guide.txt': "
    )
    assert gateway.blob_files() == blobs
    assert gateway.count() == (1, 1)
    assert await document(gateway, first) == before


async def test_without_replacing_an_upload_under_way_is_not_cancelled(gateway: Running) -> None:
    first = await upload(gateway, b"First.", external_id="guide")

    refused = await attempt(gateway, b"Second.")

    assert refused.status_code == 409
    assert (await gateway.client.get(first["status_url"])).json()["state"] == "queued"


async def test_a_refused_upload_leaves_the_bytes_that_another_document_has(
    gateway: Running,
) -> None:
    await upload(gateway, b"First.", external_id="guide")
    await upload(gateway, b"Second.", external_id="other")
    blobs = gateway.blob_files()

    refused = await attempt(gateway, b"Second.")

    assert refused.status_code == 409
    assert gateway.blob_files() == blobs


async def test_without_replacing_new_ids_and_equal_bytes_are_taken(gateway: Running) -> None:
    first, again = await attempt(gateway, b"First."), await attempt(gateway, b"First.")
    unnamed = await upload(gateway, b"Without a name.", replace="false")

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["job_id"] == again.json()["job_id"]
    assert unnamed["created"] is True


async def test_of_two_uploads_at_once_that_do_not_replace_one_is_taken(gateway: Running) -> None:
    texts = [b"Version %d." % number for number in range(8)]

    answers = await asyncio.gather(*(attempt(gateway, text) for text in texts))

    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7
    assert gateway.count() == (1, 1)
    [taken] = [answer.json() for answer in answers if answer.status_code == 202]
    kept = await document(gateway, taken)
    assert [blob.rpartition("/")[2] for blob in gateway.blob_files()] == [kept["file_sha256"]]


async def test_uploads_at_once_that_replace_each_name_another_generation(
    gateway: Running,
) -> None:
    texts = [b"Version %d." % number for number in range(6)]

    answers = await asyncio.gather(*(upload(gateway, text, external_id="guide") for text in texts))

    replaced = [one["replaces"]["generation"] for one in answers if one["replaces"]]
    assert sorted(replaced) == [1, 2, 3, 4, 5]


async def test_a_form_can_say_where_the_file_is_and_that_nothing_is_replaced(
    gateway: Running,
) -> None:
    async def send(content: bytes, **fields: str) -> httpx.Response:
        return await gateway.client.post(
            "/v1/documents",
            data={"external_id": "guide"} | fields,
            files={"file": ("note.txt", content)},
        )

    await send(b"First.", source_path="hr/guide.txt")
    refused = await send(b"Second.", replace="false")
    wrong = await send(b"Second.", replace="perhaps")
    taken = await send(b"Second.", replace="true")

    assert (refused.status_code, refused.json()["code"]) == (409, "document_exists")
    assert (wrong.status_code, wrong.json()["detail"]) == (422, "replace must be true or false")
    assert taken.json()["replaces"]["source_path"] == "hr/guide.txt"


@pytest.mark.parametrize("path", ["", "x" * 1025, "hr/\x1b[31m.txt"])
async def test_a_source_path_that_cannot_be_shown_is_refused(gateway: Running, path: str) -> None:
    params = {"filename": "note.txt", "source_path": path}

    response = await gateway.client.post("/v1/documents", params=params, content=b"Text.")

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert "the source_path " in response.json()["detail"]
    assert gateway.count() == (0, 0)
