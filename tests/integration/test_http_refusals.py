"""Requests that are refused at the door, each with its own error; nothing of them stays."""

import base64
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests import samples
from tests.integration.gateway import PROBLEM, Running, shared_gateway

LIMIT = 200_000
BOUNDARY = "----frontier"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
FILE = 'form-data; name="file"; filename="note.txt"'


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    server_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("gateway")
    async with shared_gateway(
        server_url, template_database, folder, max_upload_bytes=LIMIT
    ) as started:
        yield started


def a_form(*parts: tuple[str, str], end: str = f"--{BOUNDARY}--\r\n") -> bytes:
    """A form body; a part is its disposition, with more headers behind it, and its content."""
    written = "".join(
        f"--{BOUNDARY}\r\nContent-Disposition: {head}\r\n\r\n{content}\r\n"
        for head, content in parts
    )
    return (written + end).encode()


def a_cursor(created_at: str) -> str:
    text = f"{created_at}|00000000-0000-0000-0000-000000000000"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    problem: dict[str, Any] = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["instance"] == response.headers["x-request-id"]
    return problem


def assert_nothing_stayed(gateway: Running) -> None:
    assert gateway.count() == (0, 0)
    assert gateway.blob_files() == []


@pytest.mark.parametrize(
    ("filename", "content", "status", "code"),
    [
        ("empty.txt", b"", 422, "document_empty"),
        ("song.mp3", samples.mp3(), 415, "unsupported_media_type"),
        ("song.txt", samples.mp3(), 415, "unsupported_media_type"),
        ("old.doc", samples.legacy_doc(), 415, "unsupported_media_type"),
        ("plain.pdf", b"This is no PDF at all.", 422, "document_unreadable"),
        ("a\nb.txt", b"text", 422, "invalid_filename"),
        ("a" * 300 + ".txt", b"text", 422, "invalid_filename"),
        ("..", b"text", 422, "invalid_filename"),
        ("", b"text", 422, "invalid_filename"),
        ("big.txt", b"x" * (LIMIT + 1), 413, "document_too_large"),
    ],
)
async def test_a_document_that_cannot_be_taken_is_refused(
    gateway: Running, filename: str, content: bytes, status: int, code: str
) -> None:
    raw = await gateway.client.post("/v1/documents", params={"filename": filename}, content=content)
    form = await gateway.client.post("/v1/documents", files={"file": (filename, content)})

    assert_problem(raw, status, code)
    if filename:  # without a filename the client does not send a file part
        assert_problem(form, status, code)
    assert_nothing_stayed(gateway)


async def test_a_form_with_a_newline_in_the_filename_is_refused(gateway: Running) -> None:
    body = a_form(('form-data; name="file"; filename="a\nb.txt"', "text"))

    response = await gateway.client.post("/v1/documents", content=body, headers=FORM)

    assert_problem(response, 422, "invalid_filename")
    assert_nothing_stayed(gateway)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (a_form(('form-data; name="external_id"', "x")), "invalid_request"),
        (a_form(), "invalid_request"),
        (a_form((FILE, "one"), (FILE, "two")), "invalid_request"),
        (a_form((FILE, "one"), ('form-data; name="external_id"', "late")), "invalid_request"),
        (a_form(('form-data; name="colour"', "red"), (FILE, "one")), "invalid_request"),
        (a_form(('form-data; name="file"', "no filename")), "invalid_request"),
        (a_form(('form-data; filename="a.txt"', "no name")), "invalid_request"),
        (a_form(("attachment; name=file; filename=a.txt", "odd")), "invalid_request"),
        (a_form((FILE + "\r\nX-Long: " + "x" * 5000, "text")), "invalid_request"),
        (a_form((FILE + "\r\nX-Many: 1" * 20, "text")), "invalid_request"),
        (a_form((FILE + "\r\nContent-Transfer-Encoding: base64", "dGV4dA==")), "invalid_request"),
        (a_form((FILE, "no end"), end=""), "invalid_request"),
        (a_form(('form-data; name="external_id"', "x" * 5000), (FILE, "t")), "invalid_request"),
        (a_form(*[('form-data; name="external_id"', "x")] * 2, (FILE, "t")), "invalid_request"),
        (a_form(('form-data; name="external_id"', ""), (FILE, "text")), "invalid_request"),
        (b"this is not a form", "invalid_request"),
        (b"", "invalid_request"),
    ],
)
async def test_a_broken_form_is_refused(gateway: Running, body: bytes, code: str) -> None:
    response = await gateway.client.post("/v1/documents", content=body, headers=FORM)

    assert_problem(response, 422, code)
    assert_nothing_stayed(gateway)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", f"multipart/form-data; boundary={'b' * 300}"]
)
async def test_a_form_without_a_usable_boundary_is_refused(
    gateway: Running, content_type: str
) -> None:
    response = await gateway.client.post(
        "/v1/documents", content=a_form((FILE, "text")), headers={"Content-Type": content_type}
    )

    assert_problem(response, 422, "invalid_request")


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ({}, {}, "invalid_request"),
        ({"filename": "a.txt"}, {"X-Filename": "a.txt"}, "invalid_request"),
        ({}, {"X-Filename": "UTF-8''%FF.txt"}, "invalid_filename"),
        ({}, {"X-Filename": "a%0Ab.txt"}, "invalid_filename"),
        ({}, {"X-Filename": "n" * 300}, "invalid_filename"),
        ({"filename": "a.txt", "external_id": "x" * 513}, {}, "invalid_request"),
        ({"filename": "a.txt", "external_id": "a\x00b"}, {}, "invalid_request"),
        ({"filename": "a.txt"}, {"Idempotency-Key": "k" * 201}, "invalid_request"),
    ],
)
async def test_an_upload_that_says_something_impossible_is_refused(
    gateway: Running, query: dict[str, str], headers: dict[str, str], code: str
) -> None:
    response = await gateway.client.post(
        "/v1/documents", params=query, headers=headers, content=b"text"
    )

    assert_problem(response, 422, code)
    assert_nothing_stayed(gateway)


async def test_a_name_given_twice_is_refused(gateway: Running) -> None:
    response = await gateway.client.post(
        "/v1/documents?external_id=a", data={"external_id": "b"}, files={"file": ("a.txt", b"text")}
    )

    assert_problem(response, 422, "invalid_request")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"query": "ferry", "k": 0}', "body.k"),
        (b'{"query": "ferry", "k": 101}', "body.k"),
        (b'{"query": "ferry", "k": "ten"}', "body.k"),
        (b'{"query": "ferry", "k": NaN}', "body.k"),
        (b'{"query": "  "}', "body.query"),
        (b'{"query": "\\ud800"}', "body.query"),
        (b'{"query": "\\u0000"}', "body.query"),
        (b'{"query": 7}', "body.query"),
        (b'{"query": "' + b"q" * 8001 + b'"}', "body.query"),
        (b'{"query": "ferry", "size": 3}', "body.size"),
        (b'{"query": "ferry", "document_ids": ["x"]}', "body.document_ids.0"),
        (b"{}", "body.query"),
        (b"[]", "body"),
        (b"", "body"),
        (b'{"query": ', "body.10"),
    ],
)
async def test_a_search_that_makes_no_sense_names_the_field(
    gateway: Running, body: bytes, field: str
) -> None:
    response = await gateway.client.post(
        "/v1/search", content=body, headers={"Content-Type": "application/json"}
    )

    problem = assert_problem(response, 422, "invalid_request")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert not re.search("Input should|Value error|JSON decode|valid UUID", problem["detail"])


async def test_a_value_that_does_not_fit_is_told_in_plain_words(gateway: Running) -> None:
    body = {"query": "ferry", "k": 101, "document_ids": ["nope"]}
    problem = assert_problem(
        await gateway.client.post("/v1/search", json=body), 422, "invalid_request"
    )

    assert problem["detail"] == (
        "body.k must be at most 100; body.document_ids.0 must be a UUID, "
        "e.g. 0b7c6a52-6f0e-4c1e-9d53-2f1c8f1f3f11"
    )


@pytest.mark.parametrize("body", [b'{"query": "\xff"}', b"[" * 100_000])
async def test_json_that_cannot_be_decoded_is_refused(gateway: Running, body: bytes) -> None:
    response = await gateway.client.post(
        "/v1/search", content=body, headers={"Content-Type": "application/json"}
    )

    assert_problem(response, 422, "invalid_request")


async def test_a_json_body_over_the_limit_is_refused(gateway: Running) -> None:
    sent = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            yield b" " * 100_000
            sent += 100_000

    response = await gateway.client.post(
        "/v1/search", content=parts(), headers={"Content-Type": "application/json"}
    )

    assert_problem(response, 413, "body_too_large")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/v1/documents/", 404, "not_found"),
        ("GET", "/v1/documents/7", 404, "not_found"),
        ("GET", "/v1/jobs/00000000-0000-0000-0000-000000000000", 404, "not_found"),
        ("GET", "/v1/jobs/00000000-0000-0000-0000-000000000000/events", 404, "not_found"),
        ("POST", "/v1/jobs/00000000-0000-0000-0000-000000000000:retry", 404, "not_found"),
        ("POST", "/v1/jobs/00000000-0000-0000-0000-000000000000:cancel", 404, "not_found"),
        ("GET", "/v1/documents/00000000-0000-0000-0000-000000000000/chunks", 404, "not_found"),
        ("DELETE", "/v1/documents/00000000-0000-0000-0000-000000000000", 404, "not_found"),
        ("PUT", "/v1/documents", 405, "method_not_allowed"),
        ("GET", "/v1/search", 405, "method_not_allowed"),
        ("GET", "/v1/jobs/00000000-0000-0000-0000-000000000000:cancel", 405, "method_not_allowed"),
        ("GET", "/v1/documents?limit=0", 422, "invalid_request"),
        ("GET", "/v1/documents?limit=201", 422, "invalid_request"),
        ("GET", "/v1/documents?cursor=nonsense", 422, "invalid_request"),
        ("GET", "/v1/documents?cursor=ä", 422, "invalid_request"),
        ("GET", "/v1/jobs?state=asleep", 422, "invalid_request"),
        ("GET", "/v1/jobs?cursor=MjAyNi0wMS0wMXww", 422, "invalid_request"),
        ("GET", f"/v1/jobs?cursor={a_cursor('2026-01-01')}", 422, "invalid_request"),
        ("GET", f"/v1/jobs?cursor={a_cursor('0001-01-01T00:00+14:00')}", 422, "invalid_request"),
    ],
)
async def test_a_request_for_what_is_not_there_is_a_problem_too(
    gateway: Running, method: str, path: str, status: int, code: str
) -> None:
    response = await gateway.client.request(method, path)

    assert_problem(response, status, code)


async def test_a_wrong_method_names_the_right_ones(gateway: Running) -> None:
    response = await gateway.client.put("/v1/search")

    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("count", [0, 501])
async def test_a_batch_of_too_few_or_too_many_jobs_is_refused(gateway: Running, count: int) -> None:
    ids = ["00000000-0000-0000-0000-000000000000"] * count

    response = await gateway.client.post("/v1/jobs:batchGet", json={"job_ids": ids})

    assert_problem(response, 422, "invalid_request")


async def test_a_sane_request_id_is_kept_and_an_insane_one_is_replaced(gateway: Running) -> None:
    kept = await gateway.client.get("/nowhere", headers={"X-Request-ID": "trace-7"})
    replaced = await gateway.client.get("/nowhere", headers={"X-Request-ID": "x" * 129})
    made = await gateway.client.get("/nowhere")

    assert kept.headers["x-request-id"] == kept.json()["instance"] == "trace-7"
    assert len(replaced.headers["x-request-id"]) == 32
    assert made.headers["x-request-id"] != replaced.headers["x-request-id"]
