"""Requests made to do harm: each is refused in words, nothing is stored, and the next is served."""

import asyncio
from collections.abc import Callable

import pytest

from tests.integration.gateway import PROBLEM, Running

pytestmark = pytest.mark.asyncio(loop_scope="module")
SPLIT = "a%0d%0aSet-Cookie:%20owned=1%0d%0a%0d%0a<html>"
"""What would end a header and begin another, or a body, if it were repeated as it is."""
DEEP = b"[" * 500_000
FORM = b"--b\r\nContent-Disposition: form-data; name=%s\r\n\r\n%s\r\n--b--\r\n"


async def answer(gateway: Running, request: bytes) -> tuple[int, bytes]:
    """Status and head of what comes back on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(request)
        await writer.drain()
        head = await asyncio.wait_for(reader.read(65536), 20)
    finally:
        writer.close()
    return int(head.split(b" ", 2)[1]), head


async def unharmed(gateway: Running, before: tuple[int, int]) -> None:
    assert gateway.count() == before
    assert gateway.blob_files() == []
    assert (await gateway.client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/documents/{SPLIT}",
        f"/v1/jobs/{SPLIT}",
        f"/v1/webhooks/llamaparse/{SPLIT}",
        f"/v1/documents?cursor={SPLIT}",
        f"/{SPLIT}",
        "/v1/documents/..%2f..%2fetc%2fpasswd",
        "/v1/documents/%00",
        "/v1/documents/%ff%fe",
        "/v1/documents/../../../etc/passwd",
        "/v1/jobs/" + "a" * 20_000,
    ],
)
async def test_nothing_of_an_address_becomes_a_header(gateway: Running, path: str) -> None:
    before = gateway.count()

    status, head = await answer(
        gateway,
        f"GET {path} HTTP/1.1\r\nHost: g\r\n"
        f"Authorization: {gateway.client.headers['Authorization']}\r\n\r\n".encode(),
    )

    assert 400 <= status < 500
    assert b"set-cookie" not in head.lower().partition(b"\r\n\r\n")[0]
    await unharmed(gateway, before)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Filename": SPLIT}, 422),
        ({"X-Filename": "utf-8''a%00b.txt"}, 422),
        ({"X-Filename": "a.txt", "Idempotency-Key": "k" * 201}, 422),
        ({"X-Filename": "a.txt", "Idempotency-Key": "a\tb"}, 422),
        ({"X-Filename": "%ff.txt"}, 422),
    ],
)
async def test_names_that_would_do_harm_are_refused(
    gateway: Running, headers: dict[str, str], status: int
) -> None:
    before = gateway.count()

    response = await gateway.client.post("/v1/documents", content=b"text", headers=headers)

    assert response.status_code == status
    assert response.headers["content-type"] == PROBLEM
    assert "set-cookie" not in response.headers
    await unharmed(gateway, before)


@pytest.mark.parametrize("external_id", ["a\r\nSet-Cookie: owned=1", "a\x00b", "\u202egpj.exe"])
async def test_an_external_id_that_cannot_be_printed_is_refused(
    gateway: Running, external_id: str
) -> None:
    before = gateway.count()

    response = await gateway.client.post(
        "/v1/documents",
        content=b"text",
        params={"external_id": external_id, "filename": "a.txt"},
    )

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    await unharmed(gateway, before)


@pytest.mark.parametrize("path", ["/v1/search", "/v1/jobs:batchGet", "/v1/dead-letter:replay"])
@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"query": ' + DEEP,
        b'{"k": 1e400, "query": "x", "limit": 1e400, "job_ids": [1e400]}',
        b'{"k": NaN, "query": "x", "limit": NaN, "job_ids": [NaN]}',
        b'{"k": ' + b"9" * 100_000 + b', "query": "x", "limit": 1, "job_ids": []}',
        b'{"query": "\xff\xfe", "text": "\xff", "job_ids": ["\xff"]}',
        b'{"query": "a\\u0000b", "text": "\\ud800", "job_ids": ["\\ud800"]}',
        b'{"__proto__": {}, "query": "x", "constructor": 1}',
    ],
    ids=["deep", "deep value", "infinite", "nan", "long", "not utf-8", "not text", "unknown"],
)
async def test_json_that_is_made_to_do_harm_is_refused(
    gateway: Running, path: str, body: bytes
) -> None:
    response = await gateway.client.post(
        path, content=body, headers={"Content-Type": "application/json"}
    )

    assert response.status_code in (413, 422)
    assert response.headers["content-type"] == PROBLEM
    assert len(response.content) < 10_000


@pytest.mark.parametrize("path", ["/v1/search", "/v1/jobs:batchGet", "/v1/dead-letter:discard"])
async def test_a_json_body_is_refused_before_it_ends(gateway: Running, path: str) -> None:
    authorization = gateway.client.headers["Authorization"]
    async with gateway.connect(
        f"POST {path} HTTP/1.1\nAuthorization: {authorization}\n"
        "Content-Type: application/json\nTransfer-Encoding: chunked"
    ) as (reader, writer):
        for _ in range(40):
            writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()
        head = await asyncio.wait_for(reader.readline(), 20)

    assert b" 413 " in head


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("Content-Length: 4\r\nTransfer-Encoding: chunked", b"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"),
        ("Content-Length: 4\r\nContent-Length: 40", b"text"),
        ("Content-Length: -1", b"text"),
        ("Content-Length: 4 4", b"text"),
        ("Transfer-Encoding: chunked, identity", b"4\r\ntext\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", b"fffffffffffffffff\r\ntext"),
    ],
)
async def test_a_body_of_two_lengths_is_refused(
    gateway: Running, framing: str, body: bytes
) -> None:
    """Otherwise a proxy and the gateway may differ about where the next request begins."""
    before = gateway.count()
    request = (
        "POST /v1/documents?filename=a.txt HTTP/1.1\r\nHost: g\r\n"
        f"Authorization: {gateway.client.headers['Authorization']}\r\n{framing}\r\n\r\n"
    )

    status, _ = await answer(gateway, request.encode() + body)

    assert status in (400, 422)
    await unharmed(gateway, before)


@pytest.mark.parametrize(
    "header", ["X-A: " + "a" * 200_000, "X\r\n: a", "X-A: a\x00b", "X A: a", ": a"]
)
async def test_headers_that_are_none_are_refused(gateway: Running, header: str) -> None:
    status, _ = await answer(
        gateway, f"GET /v1/documents HTTP/1.1\r\nHost: g\r\n{header}\r\n\r\n".encode()
    )

    assert 400 <= status < 500
    assert (await gateway.client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "name",
    [b'"file"; filename="../../../../tmp/owned.exe"', b'"file"; filename="\xff\xfe"'],
    ids=["a way out", "not utf-8"],
)
async def test_a_filename_in_a_form_leads_nowhere(
    gateway: Running, name: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    response = await gateway.client.post(
        "/v1/documents",
        content=FORM % (name, b"text"),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert response.status_code in (202, 422)
    stored = gateway.blob_files()
    assert all(".." not in path and "owned" not in path for path in stored)


FORGED: tuple[Callable[[Running], str], ...] = (
    lambda gateway: f"Bearer {gateway.client.headers['Authorization'][7:]}\x00",
    lambda _: "Bearer " + "a" * 100_000,
    lambda _: "Bearer",
    lambda _: "Basic YTpi",
    lambda _: "Bearer ' OR 1=1 --",
)


@pytest.mark.parametrize("forge", FORGED)
async def test_credentials_that_are_none_open_nothing(
    gateway: Running, forge: Callable[[Running], str]
) -> None:
    status, head = await answer(
        gateway,
        "GET /v1/documents HTTP/1.1\r\nHost: g\r\n"
        f"Authorization: {forge(gateway)}\r\n\r\n".encode(),
    )

    assert status in (400, 401, 431), head
