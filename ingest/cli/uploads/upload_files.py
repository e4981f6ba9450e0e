"""Uploads many files at the same time: small ones together, large ones streamed from disk."""

import asyncio
import math
from collections.abc import Iterator, Sequence

from ingest.cli.client.gateway_client import GatewayClient
from ingest.cli.exit_codes import first_failure
from ingest.cli.uploads.select_files import Candidate
from ingest.cli.uploads.send_batch import MAX_FILES, SMALL_BYTES, BatchSender
from ingest.cli.uploads.upload_file import UploadListener, upload_file
from ingest.cli.uploads.upload_options import UploadOptions

MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Most bytes of the files in one request."""


async def upload_files(
    gateway: GatewayClient,
    files: Sequence[Candidate],
    options: UploadOptions,
    listener: UploadListener,
) -> None:
    """Upload files, and report the result of each to the listener.

    Raises:
        Unreachable: the gateway did not answer for longer than the client's patience.
        Refused: the key is not valid, or the gateway was busy for too long.
    """
    sender = BatchSender(gateway, options, listener)
    remaining = group(files, requests=options.concurrency)
    with first_failure():
        async with asyncio.TaskGroup() as tasks:
            for _ in range(options.concurrency):
                tasks.create_task(_upload_some(gateway, remaining, sender, options, listener))


def group(files: Sequence[Candidate], *, requests: int) -> Iterator[list[Candidate]]:
    """Divide files into requests: small files together, each large file by itself.

    Args:
        files: The files.
        requests: Number of requests at the same time; few small files are divided among them.
    """
    small = sum(file.bytes_len <= SMALL_BYTES for file in files)
    most = min(MAX_FILES, max(1, math.ceil(small / requests)))
    together: list[Candidate] = []
    bytes_len = 0
    for file in files:
        if file.bytes_len > SMALL_BYTES:
            yield [file]
            continue
        if len(together) == most or bytes_len + file.bytes_len > MAX_BATCH_BYTES:
            yield together
            together, bytes_len = [], 0
        together.append(file)
        bytes_len += file.bytes_len
    if together:
        yield together


async def _upload_some(
    gateway: GatewayClient,
    remaining: Iterator[list[Candidate]],
    sender: BatchSender,
    options: UploadOptions,
    listener: UploadListener,
) -> None:
    for files in remaining:
        alone = await sender.send(files) if len(files) > 1 else files
        for file in alone:
            listener.ended(file, await upload_file(gateway, file, options, listener))
