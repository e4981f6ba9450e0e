"""Uploads that are cut off, grow too large, or meet a database that goes away."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.integration.gateway import PROBLEM, Running, a_settings, running, upload
from tests.integration.outage import away

MB = 1024 * 1024
LIMIT = 4 * MB
RAW = "POST /v1/documents?filename=note.txt HTTP/1.1"
FORM = "POST /v1/documents HTTP/1.1\nContent-Type: multipart/form-data; boundary=frontier"
FILE = b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="note.txt"\r\n\r\n'
LINE = b"All work and no play makes the harbour a dull place.\n"


@pytest.fixture
async def gateway(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(a_settings(database_url, tmp_path, max_upload_bytes=LIMIT)) as started:
        yield started


async def until_counted(gateway: Running, status: int) -> None:
    """Return when the gateway is done with an upload in this way."""
    counted = f'route="/v1/documents",status="{status}"'
    async with asyncio.timeout(10):
        while counted not in (await gateway.client.get("/metrics")).text:
            pass


def text_of(bytes_len: int) -> bytes:
    return (LINE * (bytes_len // len(LINE) + 1))[:bytes_len]


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize("sent_bytes", [0, 1000, 3 * MB])
async def test_a_raw_upload_that_is_cut_off_leaves_nothing(
    gateway: Running, sent_bytes: int
) -> None:
    async with gateway.connect(f"{RAW}\nContent-Length: {LIMIT}") as (_, writer):
        writer.write(text_of(sent_bytes))
        await writer.drain()

    await until_counted(gateway, 499)
    assert gateway.count() == (0, 0)
    assert gateway.blob_files() == []


@pytest.mark.parametrize("sent_bytes", [0, 1000, 3 * MB])
async def test_a_form_that_is_cut_off_leaves_nothing(gateway: Running, sent_bytes: int) -> None:
    async with gateway.connect(f"{FORM}\nTransfer-Encoding: chunked") as (_, writer):
        writer.write(chunked(FILE + text_of(sent_bytes)))
        await writer.drain()

    await until_counted(gateway, 499)
    assert gateway.count() == (0, 0)
    assert gateway.blob_files() == []


@pytest.mark.parametrize(
    ("head", "start"),
    [(f"{RAW}\nTransfer-Encoding: chunked", b""), (f"{FORM}\nTransfer-Encoding: chunked", FILE)],
)
async def test_an_upload_over_the_limit_is_refused_while_it_streams(
    gateway: Running, head: str, start: bytes
) -> None:
    async with asyncio.timeout(10), gateway.connect(head) as (reader, writer):
        writer.write(chunked(start + text_of(LIMIT + 1)))
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")  # the body has not ended and never does

    assert b" 413 " in answer.splitlines()[0]
    assert PROBLEM.encode() in answer
    assert gateway.count() == (0, 0)
    assert gateway.blob_files() == []


@pytest.mark.parametrize("head", [RAW, FORM])
@pytest.mark.parametrize("declared", [LIMIT + MB, 10**15])
async def test_an_upload_that_says_it_is_too_long_is_refused_unread(
    gateway: Running, head: str, declared: int
) -> None:
    head = f"{head}\nContent-Length: {declared}\nExpect: 100-continue"

    async with asyncio.timeout(10), gateway.connect(head) as (reader, _):
        status_line = await reader.readline()

    assert b" 413 " in status_line


async def test_an_upload_of_exactly_the_limit_is_taken(gateway: Running) -> None:
    content = text_of(LIMIT)

    by_body = await upload(gateway, content)
    by_form = await gateway.client.post("/v1/documents", files={"file": ("note.txt", content)})

    assert (by_form.status_code, by_form.json()["job_id"]) == (200, by_body["job_id"])


async def test_without_a_database_an_upload_is_told_to_come_back(tmp_path: Path) -> None:
    dead = "postgresql://ingest@127.0.0.1:9/ingest"
    async with running(a_settings(dead, tmp_path)) as gateway:
        uploaded = await gateway.client.post("/v1/documents?filename=a.txt", content=b"text")
        searched = await gateway.client.post("/v1/search", json={"query": "ferry"})

    for response in (uploaded, searched):
        assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
        assert int(response.headers["retry-after"]) >= 1


async def test_an_upload_while_the_database_is_away_is_taken_when_it_is_back(
    gateway: Running, server_url: str, database_url: str
) -> None:
    await upload(gateway, b"before")

    with away(server_url, database_url):
        response = await gateway.client.post("/v1/documents?filename=a.txt", content=b"during")
    counted = gateway.count()
    after = await upload(gateway, b"during")

    assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
    assert "retry-after" in response.headers
    assert counted == (1, 1)
    assert after["created"]


async def test_an_upload_whose_session_is_killed_is_not_half_accepted(
    gateway: Running, database_url: str
) -> None:
    with psycopg.connect(database_url) as blocker:
        blocker.execute("LOCK TABLE upload_pipeline.upload_jobs IN SHARE MODE")
        sending = asyncio.create_task(
            gateway.client.post("/v1/documents?filename=a.txt", content=b"text")
        )
        await asyncio.to_thread(kill_whoever_waits, database_url)
        response = await sending
    counted = gateway.count()
    again = await upload(gateway, b"text", filename="a.txt")

    assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
    assert counted == (0, 0)
    assert again["created"]


async def test_memory_does_not_grow_with_the_upload(database_url: str, tmp_path: Path) -> None:
    size, sent = 150 * MB, text_of(MB)

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(size // MB):
            yield sent

    async with running(a_settings(database_url, tmp_path)) as gateway:
        await upload(gateway, sent * 2)
        with peak_memory() as grown:
            response = await gateway.client.post("/v1/documents?filename=b.txt", content=parts())

    assert response.status_code == 202
    assert grown[0] < 60 * MB


async def test_memory_does_not_grow_with_a_batch(database_url: str, tmp_path: Path) -> None:
    sizes = [MB // 2, 40 * MB, 3 * MB] * 3 + [MB] * 20

    async def parts() -> AsyncIterator[bytes]:
        for number, size in enumerate(sizes):
            yield FILE + b"%d" % number
            for _ in range(0, size, MB // 2):
                yield text_of(MB // 2)
            yield b"\r\n"
        yield b"--frontier--"

    async with running(a_settings(database_url, tmp_path)) as gateway:
        await upload(gateway, text_of(2 * MB))
        with peak_memory() as grown:
            response = await gateway.client.post(
                "/v1/documents:batch",
                content=parts(),
                headers={"Content-Type": "multipart/form-data; boundary=frontier"},
            )

    assert [result["status"] for result in response.json()["results"]] == [202] * len(sizes)
    assert grown[0] < 60 * MB


def kill_whoever_waits(database_url: str) -> None:
    """End the session that waits for a lock, as soon as there is one."""
    with psycopg.connect(database_url, autocommit=True) as killer:
        killed = None
        while killed is None:
            killed = killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()


@contextlib.contextmanager
def peak_memory() -> Iterator[list[int]]:
    """By how many bytes this process grew at most, in a list of one."""
    process, ended = psutil.Process(), threading.Event()
    before, grown = process.memory_info().rss, [0]

    def watch() -> None:
        while not ended.wait(0.01):
            grown[0] = max(grown[0], process.memory_info().rss - before)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield grown
    finally:
        ended.set()
        watching.join()
