"""Documents over HTTP: lists, chunks, search, deletion, and walls between tenants."""

from typing import Any

import pytest

from tests.integration.gateway import Running, publish, upload

SENTENCES = (
    "The ferry leaves for the island at seven in the morning.",
    "Bread is baked with flour, water and salt.",
    "A volcano erupted on the northern coast.",
)


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_documents_are_listed_newest_first_page_by_page(gateway: Running) -> None:
    ids = [(await upload(gateway, b"Text %d." % n))["document_id"] for n in range(5)]

    pages, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        body = (await gateway.client.get("/v1/documents", params=params)).json()
        pages.append([document["document_id"] for document in body["documents"]])
        cursor = body["next_cursor"]
        if cursor is None:
            break

    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]


async def test_a_last_page_that_is_full_has_no_cursor(gateway: Running) -> None:
    await upload(gateway)

    body = (await gateway.client.get("/v1/documents?limit=1")).json()

    assert (len(body["documents"]), body["next_cursor"]) == (1, None)


async def test_chunks_are_read_in_order_page_by_page(gateway: Running) -> None:
    uploaded = await upload(gateway)
    unpublished = (await gateway.client.get(f"{uploaded['document_url']}/chunks")).json()
    await publish(gateway, *SENTENCES)

    first = (await gateway.client.get(f"{uploaded['document_url']}/chunks?limit=2")).json()
    second = (
        await gateway.client.get(
            f"{uploaded['document_url']}/chunks?limit=2&from={first['next_from']}"
        )
    ).json()

    assert (unpublished["chunks"], unpublished["live_generation"]) == ([], 0)
    assert [chunk["text"] for chunk in first["chunks"] + second["chunks"]] == list(SENTENCES)
    assert (first["next_from"], second["next_from"]) == (2, None)
    assert first["live_generation"] == 1


async def test_search_finds_the_sentence_and_says_where_it_is(gateway: Running) -> None:
    uploaded = await upload(gateway, filename="island.txt")
    await publish(gateway, *SENTENCES)

    response = await gateway.client.post(
        "/v1/search", json={"query": "When does the boat to the island depart?", "k": 2}
    )

    hits = response.json()["hits"]
    assert [hit["score"] for hit in hits] == sorted((h["score"] for h in hits), reverse=True)
    best = hits[0]
    assert len(hits) == 2
    assert (best["text"], best["document_id"]) == (SENTENCES[0], uploaded["document_id"])
    assert (best["filename"], best["page"], best["heading_path"]) == ("island.txt", 1, ["Overview"])
    assert (best["char_start"], best["char_end"]) == (0, len(SENTENCES[0]))
    assert best["context"] is None, "this splitter makes none"


async def test_search_keeps_to_the_documents_that_are_named(gateway: Running) -> None:
    await upload(gateway, b"one", filename="a.txt")
    await publish(gateway, SENTENCES[0])
    other = await upload(gateway, b"two", filename="b.txt")
    await publish(gateway, SENTENCES[1])

    response = await gateway.client.post(
        "/v1/search", json={"query": "ferry", "document_ids": [other["document_id"]]}
    )
    nothing = await gateway.client.post("/v1/search", json={"query": "ferry", "document_ids": []})

    assert [hit["filename"] for hit in response.json()["hits"]] == ["b.txt"]
    assert nothing.json()["hits"] == []


async def test_search_before_anything_is_published_finds_nothing(gateway: Running) -> None:
    await upload(gateway)

    response = await gateway.client.post("/v1/search", json={"query": "ferry"})

    assert (response.status_code, response.json()["hits"]) == (200, [])


async def test_a_deleted_document_is_gone_with_its_job_its_chunks_and_its_bytes(
    gateway: Running,
) -> None:
    uploaded = await upload(gateway)
    await publish(gateway, *SENTENCES)

    first = await gateway.client.delete(uploaded["document_url"])
    second = await gateway.client.delete(uploaded["document_url"])

    assert (first.status_code, first.content) == (204, b"")
    assert second.status_code == 404
    assert gateway.count() == (0, 0)
    assert gateway.blob_files() == []
    search = await gateway.client.post("/v1/search", json={"query": "ferry"})
    assert search.json()["hits"] == []


@pytest.mark.parametrize("named", [{}, {"external_id": "one"}])
async def test_an_upload_of_the_same_name_brings_a_deleted_document_back(
    gateway: Running, named: dict[str, Any]
) -> None:
    first = await upload(gateway, **named)
    await gateway.client.delete(first["document_url"])
    gone = await gateway.client.get(first["document_url"])

    again = await upload(gateway, **named)

    assert gone.status_code == 404
    assert (again["document_id"], again["created"]) == (first["document_id"], True)
    assert (await gateway.client.get(again["document_url"])).status_code == 200


async def test_bytes_that_another_document_needs_outlive_a_deletion(gateway: Running) -> None:
    first = await upload(gateway, external_id="one")
    await upload(gateway, external_id="two")

    await gateway.client.delete(first["document_url"])

    assert gateway.count() == (1, 1)
    assert len(gateway.blob_files()) == 1


async def test_another_tenants_things_look_like_things_that_are_not_there(
    shared: Running, gateway: Running
) -> None:
    uploaded = await upload(gateway)
    await publish(gateway, *SENTENCES)
    unknown = "00000000-0000-0000-0000-000000000000"
    requests = [
        ("GET", "/v1/documents/{document_id}"),
        ("DELETE", "/v1/documents/{document_id}"),
        ("GET", "/v1/documents/{document_id}/chunks"),
        ("GET", "/v1/jobs/{job_id}"),
        ("GET", "/v1/jobs/{job_id}/events"),
        ("POST", "/v1/jobs/{job_id}:cancel"),
        ("POST", "/v1/jobs/{job_id}:retry"),
    ]

    async with shared.as_tenant() as other:
        other.client.headers["X-Request-ID"] = "same"
        for method, path in requests:
            present = await other.client.request(method, path.format_map(uploaded))
            absent = await other.client.request(
                method, path.format(document_id=unknown, job_id=unknown)
            )

            assert present.status_code == absent.status_code == 404, (method, path)
            assert present.content == absent.content
    assert gateway.count() == (1, 1)


async def test_another_tenants_things_are_in_no_list_and_no_search(
    shared: Running, gateway: Running
) -> None:
    uploaded = await upload(gateway)
    await publish(gateway, *SENTENCES)

    async with shared.as_tenant() as other:
        batch = await other.client.post("/v1/jobs:batchGet", json={"job_ids": [uploaded["job_id"]]})
        found = await other.client.post(
            "/v1/search", json={"query": "ferry", "document_ids": [uploaded["document_id"]]}
        )
        documents = await other.client.get("/v1/documents")
        jobs = await other.client.get("/v1/jobs")
    own = await gateway.client.post("/v1/search", json={"query": "ferry"})

    assert (batch.json()["jobs"], found.json()["hits"]) == ([], [])
    assert (documents.json()["documents"], jobs.json()["jobs"]) == ([], [])
    assert own.json()["hits"][0]["document_id"] == uploaded["document_id"]


async def test_the_same_bytes_of_two_tenants_are_two_documents(
    shared: Running, gateway: Running
) -> None:
    async with shared.as_tenant() as other:
        first = await upload(gateway, headers={"Idempotency-Key": "same"})
        second = await upload(other, headers={"Idempotency-Key": "same"})

        assert first["document_id"] != second["document_id"]
        assert second["created"]
        assert len(gateway.blob_files()) == len(other.blob_files()) == 1


@pytest.mark.parametrize("start", [-1, 2**31])
async def test_chunks_from_an_impossible_position_are_refused(gateway: Running, start: int) -> None:
    document = await upload(gateway)

    response = await gateway.client.get(f"{document['document_url']}/chunks?from={start}")

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
