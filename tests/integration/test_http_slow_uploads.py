"""Uploads that stop, or trickle for ever."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.gateway import Running, a_settings, running

RAW = "POST /v1/documents?filename=note.txt HTTP/1.1\nTransfer-Encoding: chunked"
FORM = (
    "POST /v1/documents HTTP/1.1\nTransfer-Encoding: chunked\n"
    "Content-Type: multipart/form-data; boundary=frontier"
)
FILE = b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="note.txt"\r\n\r\n'
BIG = b"All work and no play makes the harbour a dull place.\n" * 60_000


@pytest.fixture
async def gateway(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    settings = a_settings(
        database_url, tmp_path, upload_grace_seconds=1, upload_bytes_per_second=10_000_000
    )
    async with running(settings) as started:
        yield started


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize(
    ("head", "start"), [(RAW, b""), (RAW, b"a few bytes"), (RAW, BIG), (FORM, b""), (FORM, FILE)]
)
async def test_an_upload_that_stops_is_ended_and_leaves_nothing(
    gateway: Running, head: str, start: bytes
) -> None:
    async with asyncio.timeout(60), gateway.connect(head) as (reader, writer):
        if start:
            writer.write(chunked(start))
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")

    assert b" 408 " in answer.splitlines()[0]
    assert gateway.count() == (0, 0)
    assert gateway.blob_files() == []


async def test_an_upload_that_trickles_is_ended(gateway: Running) -> None:
    async with asyncio.timeout(60), gateway.connect(RAW) as (reader, writer):
        answering = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        while not answering.done():
            writer.write(chunked(b"."))
            await asyncio.sleep(0.01)

    assert b" 408 " in answering.result().splitlines()[0]
    assert gateway.blob_files() == []


async def test_an_upload_that_keeps_the_pace_is_taken_however_long_it_takes(
    database_url: str, tmp_path: Path
) -> None:
    settings = a_settings(database_url, tmp_path, upload_grace_seconds=1, upload_bytes_per_second=1)

    async def parts() -> AsyncIterator[bytes]:
        yield b"The ferry leaves at seven."
        await asyncio.sleep(2)
        yield b" Or later."

    async with running(settings) as gateway:
        answer = await gateway.client.post(
            "/v1/documents", params={"filename": "note.txt"}, content=parts()
        )

    assert answer.status_code == 202
