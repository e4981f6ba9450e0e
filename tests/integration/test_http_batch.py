"""Many documents in one request: a result for each, and nothing of a form that is broken."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest.adapters.postgres.jobs.limit_store import LimitStore
from ingest.domain.tenant_limits import TenantLimits
from serve.multipart import OVERHEAD_BYTES
from serve.routes.upload_batch import MAX_FILES
from tests import samples
from tests.integration.gateway import PROBLEM, Running, a_settings, publish, running, upload
from tests.integration.outage import away

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/documents:batch"
BOUNDARY = "frontier"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
HEAD = f"POST {PATH} HTTP/1.1\nTransfer-Encoding: chunked\nContent-Type: {FORM['Content-Type']}"
LINE = b"All work and no play makes the harbour a dull place.\n"
File = tuple[str, bytes] | tuple[str, bytes, dict[str, str]]


def a_form(*files: File, end: str = f"--{BOUNDARY}--\r\n") -> bytes:
    """A form; a file is its name, its content, and the fields before it."""
    body = b""
    lead = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    for filename, content, *fields in files:
        for name, value in (fields[0] if fields else {}).items():
            body += f'{lead}"{name}"\r\n\r\n{value}\r\n'.encode()
        body += f'{lead}"file"; filename="{filename}"\r\n\r\n'.encode() + content + b"\r\n"
    return body + end.encode()


async def send(gateway: Running, *files: File, **headers: str) -> list[dict[str, Any]]:
    """Upload a batch, which must be answered with results."""
    response = await gateway.client.post(PATH, content=a_form(*files), headers=FORM | headers)
    assert response.status_code == 200, response.text
    results: list[dict[str, Any]] = response.json()["results"]
    assert [one["filename"] for one in results] == [file[0] for file in files]
    return results


def statuses(results: Sequence[dict[str, Any]]) -> list[int]:
    return [result["status"] for result in results]


def assert_problem(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    assert response.json()["code"] == code


def assert_nothing_stayed(gateway: Running) -> None:
    assert gateway.count() == (0, 0)
    assert gateway.blob_files() == []


async def test_each_file_is_a_document_with_the_answer_of_an_upload(gateway: Running) -> None:
    results = await send(
        gateway,
        ("a.txt", b"One.", {"external_id": "first", "source_path": "hr/a.txt"}),
        ("b.txt", b"Two."),
        **{"X-Request-ID": "trace-7"},
    )

    alone = await upload(gateway, b"Two.", filename="b.txt")
    assert statuses(results) == [202, 202]
    assert results[1] == alone | {"created": True, "filename": "b.txt", "status": 202}
    document = (await gateway.client.get(results[0]["document_url"])).json()
    assert (document["external_id"], document["filename"]) == ("first", "a.txt")
    assert (await gateway.client.get(results[1]["document_url"])).json()["external_id"] is None
    jobs = [(await gateway.client.get(one["status_url"])).json() for one in results]
    assert [job["correlation_id"] for job in jobs] == ["trace-7"] * 2
    assert gateway.count() == (2, 2)
    assert len(gateway.blob_files()) == 2


async def test_a_repeated_batch_finds_everything_there(gateway: Running) -> None:
    files: list[File] = [(f"{n}.txt", b"Text %d." % n, {"external_id": f"{n}"}) for n in range(9)]

    first, again = await send(gateway, *files), await send(gateway, *files)

    assert statuses(first) == [202] * 9
    assert again == [one | {"created": False, "status": 200} for one in first]
    assert gateway.count() == (9, 9)


async def test_a_bad_file_between_good_ones_is_refused_alone(gateway: Running) -> None:
    bad: list[File] = [
        ("song.mp3", samples.mp3()),
        ("empty.txt", b""),
        ("a" * 300 + ".txt", b"text"),
        ("c.txt", b"text", {"external_id": "x" * 513}),
        ("d.txt", b"text", {"replace": "perhaps"}),
    ]

    results = await send(gateway, ("a.txt", b"One."), *bad, ("b.txt", b"Two."))

    assert statuses(results) == [202, 415, 422, 422, 422, 422, 202]
    for result, (filename, content, *_) in zip(results[1:4], bad, strict=False):
        alone = await gateway.client.post(
            "/v1/documents", params={"filename": filename}, content=content
        )
        assert set(result) == {"filename", "status", "error"}
        assert result["error"] | {"instance": ""} == alone.json() | {"instance": ""}
    codes = [result["error"]["code"] for result in results[1:6]]
    assert codes[3:] == ["invalid_request"] * 2
    assert gateway.count() == (2, 2)
    assert len(gateway.blob_files()) == 2


async def test_a_filename_that_cannot_be_decoded_is_refused_alone(gateway: Running) -> None:
    body = a_form(("X.txt", b"One."), ("b.txt", b"Two.")).replace(b"X.txt", b"\xdc.txt")

    response = await gateway.client.post(PATH, content=body, headers=FORM)

    bad, good = response.json()["results"]
    assert (bad["status"], bad["error"]["code"]) == (422, "invalid_filename")
    assert good["status"] == 202


async def test_a_file_twice_in_a_batch_is_like_two_uploads(gateway: Running) -> None:
    results = await send(
        gateway,
        ("a.txt", b"Same."),
        ("b.txt", b"Same."),
        ("c.txt", b"First.", {"external_id": "guide"}),
        ("d.txt", b"Second.", {"external_id": "guide"}),
        ("e.txt", b"Third.", {"external_id": "guide", "replace": "false"}),
    )

    assert statuses(results) == [202, 200, 202, 202, 409]
    assert results[0]["job_id"] == results[1]["job_id"]
    assert results[3]["replaces"] == {"filename": "c.txt", "source_path": None, "generation": 1}
    assert results[4]["error"]["code"] == "document_exists"
    assert len(gateway.blob_files()) == 3


async def test_files_of_any_size_are_stored_as_they_were_sent(gateway: Running) -> None:
    texts = [LINE * 60_000, b"Small.", LINE * 25_000, b"Also small.", LINE * 10_000]
    body = a_form(*((f"{n}.txt", text) for n, text in enumerate(texts)))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 30_011):
            yield body[start : start + 30_011]

    response = await gateway.client.post(PATH, content=pieces(), headers=FORM)

    assert statuses(response.json()["results"]) == [202] * 5
    found = [(gateway.blob_folder / blob).read_bytes() for blob in gateway.blob_files()]
    assert sorted(found) == sorted(texts)


async def test_a_deleted_document_is_brought_back(gateway: Running) -> None:
    [first] = await send(gateway, ("a.txt", b"One."))
    await gateway.client.delete(first["document_url"])

    results = await send(gateway, ("a.txt", b"One."), ("b.txt", b"Two."))

    assert statuses(results) == [202, 202]
    assert results[0]["document_id"] == first["document_id"]
    assert results[0]["job_id"] != first["job_id"]


async def test_a_limit_that_is_reached_in_the_middle_is_told_of_each_file(
    gateway: Running,
) -> None:
    await LimitStore(gateway.database).set(gateway.tenant, TenantLimits(uploads_per_day=2))

    results = await send(gateway, *((f"{n}.txt", b"Text %d." % n) for n in range(4)))

    assert statuses(results) == [202, 202, 429, 429]
    assert results[3]["error"]["code"] == "tenant_limit_reached"
    assert results[3]["retry_after"] > 1
    assert gateway.count() == (2, 2)
    assert len(gateway.blob_files()) == 2


async def test_what_is_under_way_is_replaced_and_what_is_published_stays(
    gateway: Running,
) -> None:
    await upload(gateway, b"First.", external_id="guide")
    await publish(gateway, "First.")

    [result] = await send(gateway, ("a.txt", b"Second.", {"external_id": "guide"}))

    document = (await gateway.client.get(result["document_url"])).json()
    assert (document["generation"], document["live_generation"]) == (2, 1)


async def test_batches_at_once_in_opposite_order_make_each_document_once(
    gateway: Running,
) -> None:
    files: list[File] = [(f"{n}.txt", b"Text %d." % n, {"external_id": f"{n}"}) for n in range(20)]

    batches = await asyncio.gather(
        *(send(gateway, *(files if n % 2 else files[::-1])) for n in range(6))
    )

    flat = [result for results in batches for result in results]
    assert sorted(statuses(flat)) == [200] * 100 + [202] * 20
    assert gateway.count() == (20, 20)


GOOD = (("a.txt", b"One."), ("b.txt", b"Two."))


@pytest.mark.parametrize(
    "body",
    [
        a_form(*GOOD, end=""),
        a_form(*GOOD).replace(b'name="file"; filename="b.txt"', b'name="colour"'),
        a_form(*GOOD).replace(b"--frontier--", b"--frontier\rx"),
        a_form(("a.txt", LINE * 60_000), *GOOD, end=""),
        a_form(*((f"{n}.txt", b"Text %d." % n) for n in range(MAX_FILES + 1))),
        a_form(*GOOD, end=f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=replace\r\n\r\n1"
               f"\r\n--{BOUNDARY}--\r\n"),
        a_form(),
        b"this is not a form",
        b"",
    ],
    ids=["cut off", "unknown part", "malformed", "cut off after a large file", "too many files",
         "field without file", "no file", "no form", "nothing"],
)  # fmt: skip
async def test_of_a_broken_form_nothing_stays(gateway: Running, body: bytes) -> None:
    response = await gateway.client.post(PATH, content=body, headers=FORM)

    assert_problem(response, 422, "invalid_request")
    assert_nothing_stayed(gateway)


async def test_a_broken_form_leaves_the_bytes_that_a_document_has(gateway: Running) -> None:
    await upload(gateway, b"One.")

    await gateway.client.post(PATH, content=a_form(*GOOD, end=""), headers=FORM)

    assert gateway.count() == (1, 1)
    assert len(gateway.blob_files()) == 1


async def test_a_batch_that_is_no_form_is_refused(gateway: Running) -> None:
    response = await gateway.client.post(PATH, content=b"text")
    unknown = await gateway.client.post(f"{PATH}?external_id=a", content=a_form(*GOOD))

    assert_problem(response, 422, "invalid_request")
    assert_problem(unknown, 422, "unknown_parameter")


async def test_the_most_files_in_one_batch_are_taken(gateway: Running) -> None:
    results = await send(gateway, *((f"{n}.txt", b"Text %d." % n) for n in range(MAX_FILES)))

    assert statuses(results) == [202] * MAX_FILES
    assert gateway.count() == (MAX_FILES, MAX_FILES)


async def test_a_file_or_a_batch_over_the_limit_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    limit = 1_000_000
    most = limit + MAX_FILES * OVERHEAD_BYTES
    async with running(a_settings(database_url, tmp_path, max_upload_bytes=limit)) as small:
        results = await send(small, ("a.txt", b"One."), ("b.txt", b"x" * (limit + 1)), *GOOD)
        before = small.count()
        streamed = await small.client.post(PATH, content=_endless(), headers=FORM)
        head = HEAD.replace("Transfer-Encoding: chunked", f"Content-Length: {most + 1}")
        async with small.connect(head) as (reader, _):
            declared = await reader.readline()

    assert statuses(results) == [202, 413, 200, 202]
    assert results[1]["error"]["code"] == "document_too_large"
    assert_problem(streamed, 413, "body_too_large")
    assert str(most) in streamed.json()["detail"]
    assert b" 413 " in declared
    assert before == small.count() == (2, 2)
    assert len(small.blob_files()) == 2


async def test_a_batch_that_is_cut_off_or_stops_leaves_nothing(
    database_url: str, tmp_path: Path
) -> None:
    settings = a_settings(
        database_url, tmp_path, upload_grace_seconds=1, upload_bytes_per_second=10_000_000
    )
    body = a_form(*GOOD, end="")
    async with running(settings) as slow:
        async with slow.connect(HEAD) as (reader, writer):
            writer.write(b"%x\r\n%s\r\n" % (len(body), body))
            stopped = await asyncio.wait_for(reader.readline(), 20)
        async with slow.connect(HEAD) as (_, writer):
            writer.write(b"%x\r\n%s\r\n" % (len(body), body))
            await writer.drain()
        await _until_counted(slow, 499)

    assert b" 408 " in stopped
    assert_nothing_stayed(slow)


async def test_a_batch_while_the_database_is_away_is_taken_when_it_is_back(
    server_url: str, database_url: str, tmp_path: Path
) -> None:
    async with running(a_settings(database_url, tmp_path)) as local:
        with away(server_url, database_url):
            refused = await local.client.post(PATH, content=a_form(*GOOD), headers=FORM)
        counted = local.count()
        results = await send(local, *GOOD)

    assert_problem(refused, 503, "store_unavailable")
    assert "retry-after" in refused.headers
    assert counted == (0, 0)
    assert statuses(results) == [202, 202]


async def _endless() -> AsyncIterator[bytes]:
    yield a_form(*GOOD, ("c.txt", b"x"), end="")[:-2]
    for _ in range(100):
        yield b"x" * 1_000_000


async def _until_counted(gateway: Running, status: int) -> None:
    counted = f'route="{PATH}",status="{status}"'
    async with asyncio.timeout(10):
        while counted not in (await gateway.client.get("/metrics")).text:
            pass
