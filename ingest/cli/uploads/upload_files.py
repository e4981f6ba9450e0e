"""Uploads many files at the same time; each is streamed from disk."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.cli.client.gateway_client import GatewayClient
from ingest.cli.exit_codes import Refused, first_failure
from ingest.cli.output import Json
from ingest.cli.uploads.external_ids import seen_from_here, source_path
from ingest.cli.uploads.select_files import Candidate
from ingest.cli.uploads.upload_options import UploadOptions

PART_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Rejection:
    """A file that was rejected, or whose job failed."""

    file: str
    code: str
    detail: str
    job_id: str | None = None
    """The failed job; None when the upload was rejected."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A file that was read, but not whole or not for sure."""

    file: str
    document_id: str
    job_id: str
    warning_count: int
    warnings: list[Json]
    """The first of them: code and message."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A file that became the next generation of a document."""

    file: str
    external_id: str
    uploaded_as: str
    """Path of the replaced file, or its name where the path is not known."""
    generation: int
    """Generation of the replaced file."""
    from_elsewhere: bool
    """True when the replaced file had another path."""


@dataclass(frozen=True, slots=True)
class AcceptedUpload:
    """A file that the gateway accepted."""

    file: Candidate
    document_id: str
    job_id: str
    created: bool
    """False when the gateway had the same bytes before."""
    replaces: Replacement | None = None


class UploadListener(Protocol):
    """Receives the progress of an upload."""

    def sent(self, count: int) -> None:
        """Count sent bytes; negative when a try failed and they are sent again."""
        ...

    def ended(self, file: Candidate, outcome: AcceptedUpload | Rejection) -> None:
        """Take the result of a file: accepted or rejected."""
        ...


async def upload_files(
    gateway: GatewayClient,
    files: Iterable[Candidate],
    options: UploadOptions,
    listener: UploadListener,
) -> None:
    """Upload files, and report the result of each to the listener.

    Raises:
        Unreachable: the gateway did not answer for longer than the client's patience.
        Refused: the key is not valid, or the gateway was busy for too long.
    """
    remaining = iter(files)
    with first_failure():
        async with asyncio.TaskGroup() as group:
            for _ in range(options.concurrency):
                group.create_task(_upload_some(gateway, remaining, options, listener))


async def _upload_some(
    gateway: GatewayClient,
    files: Iterator[Candidate],
    options: UploadOptions,
    listener: UploadListener,
) -> None:
    for file in files:
        listener.ended(file, await _upload(gateway, file, options, listener))


async def _upload(
    gateway: GatewayClient, file: Candidate, options: UploadOptions, listener: UploadListener
) -> AcceptedUpload | Rejection:
    body = _UploadBody(file.path, listener)
    params = {"filename": file.path.name}
    if file.external_id is not None:
        params |= {"external_id": file.external_id, "source_path": source_path(file.path)}
    if not options.replace:
        params["replace"] = "false"
    try:
        for text in params.values():
            text.encode()
        length = str(await asyncio.to_thread(_bytes_len, file.path))
        headers = {"content-type": "application/octet-stream", "content-length": length}
        answer = await gateway.upload(params, headers, body.parts)
    except UnicodeEncodeError:
        return Rejection(str(file.path), "invalid_filename", "the filename is not valid UTF-8")
    except OSError as exc:
        return Rejection(str(file.path), "unreadable_file", exc.strerror or type(exc).__name__)
    except Refused as exc:
        if exc.bars_everything or exc.is_busy:
            raise
        return Rejection(str(file.path), exc.problem, exc.message)
    finally:
        body.report_rest(file.bytes_len)
    return AcceptedUpload(
        file,
        answer["document_id"],
        answer["job_id"],
        bool(answer["created"]),
        _replacement(file, answer.get("replaces")),
    )


def _replacement(file: Candidate, before: Json | None) -> Replacement | None:
    if before is None or file.external_id is None:
        return None
    path, filename = before["source_path"], before["filename"]
    same = filename == file.path.name if path is None else path == source_path(file.path)
    return Replacement(
        str(file.path),
        file.external_id,
        filename if path is None else seen_from_here(path),
        before["generation"],
        from_elsewhere=not same,
    )


def _bytes_len(path: Path) -> int:
    return path.stat().st_size


class _UploadBody:
    """The body of an upload: the bytes of a file, read while they are sent."""

    def __init__(self, path: Path, listener: UploadListener) -> None:
        self._path = path
        self._listener = listener
        self._sent = 0

    async def parts(self) -> AsyncIterator[bytes]:
        """Read the file from its beginning; a new try resets the count of sent bytes."""
        self.report_rest(0)
        with await asyncio.to_thread(self._path.open, "rb") as source:
            while part := await asyncio.to_thread(source.read, PART_BYTES):
                yield part
                self._sent += len(part)
                self._listener.sent(len(part))

    def report_rest(self, bytes_len: int) -> None:
        """Correct the listener's count, so that this file counts for ``bytes_len`` sent bytes."""
        if self._sent != bytes_len:
            self._listener.sent(bytes_len - self._sent)
            self._sent = bytes_len
