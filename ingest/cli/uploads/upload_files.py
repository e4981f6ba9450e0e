"""Uploading many files at once, each streamed from disk."""

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

PART_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a file was not taken, or not finished."""

    file: str
    code: str
    detail: str
    job_id: str | None = None
    """Set when it failed after it was taken."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A file that became the next generation of a document."""

    file: str
    external_id: str
    uploaded_as: str
    """Path of the file that it replaces, or its name where the path is not known."""
    generation: int
    """Of that file."""
    from_elsewhere: bool
    """True when that file is another one, by its path."""


@dataclass(frozen=True, slots=True)
class AcceptedUpload:
    """A file that the gateway has."""

    file: Candidate
    document_id: str
    job_id: str
    created: bool
    """False when it had the same bytes before."""
    replaces: Replacement | None = None


class UploadListener(Protocol):
    """Who wants to know how an upload gets on."""

    def sent(self, count: int) -> None:
        """Bytes went out; negative when a try failed and they will go out again."""
        ...

    def ended(self, file: Candidate, outcome: AcceptedUpload | Rejection) -> None:
        """A file was taken or rejected."""
        ...


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """How files are uploaded."""

    concurrency: int = 4
    """Files at the same time."""
    replace: bool = True
    """Whether a file may become the next generation of a document that exists."""


async def upload_files(
    gateway: GatewayClient,
    files: Iterable[Candidate],
    manner: UploadOptions,
    listener: UploadListener,
) -> None:
    """Upload files; each ends with the listener.

    Raises:
        Unreachable: the gateway went away for longer than its patience.
        Refused: it takes nothing from us: no valid key, or too busy for too long.
    """
    remaining = iter(files)
    with first_failure():
        async with asyncio.TaskGroup() as group:
            for _ in range(manner.concurrency):
                group.create_task(_upload_some(gateway, remaining, manner, listener))


async def _upload_some(
    gateway: GatewayClient,
    files: Iterator[Candidate],
    manner: UploadOptions,
    listener: UploadListener,
) -> None:
    for file in files:
        listener.ended(file, await _upload(gateway, file, manner, listener))


async def _upload(
    gateway: GatewayClient, file: Candidate, manner: UploadOptions, listener: UploadListener
) -> AcceptedUpload | Rejection:
    body = _UploadBody(file.path, listener)
    params = {"filename": file.path.name}
    if file.external_id is not None:
        params |= {"external_id": file.external_id, "source_path": source_path(file.path)}
    if not manner.replace:
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
    """The bytes of a file, read as they are sent."""

    def __init__(self, path: Path, listener: UploadListener) -> None:
        self._path = path
        self._listener = listener
        self._sent = 0

    async def parts(self) -> AsyncIterator[bytes]:
        """The file from its beginning; a new try starts the count again."""
        self.report_rest(0)
        with await asyncio.to_thread(self._path.open, "rb") as source:
            while part := await asyncio.to_thread(source.read, PART_BYTES):
                yield part
                self._sent += len(part)
                self._listener.sent(len(part))

    def report_rest(self, bytes_len: int) -> None:
        """Tell the listener as many bytes as the file counts for, whatever was sent."""
        if self._sent != bytes_len:
            self._listener.sent(bytes_len - self._sent)
            self._sent = bytes_len
