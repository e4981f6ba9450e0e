"""Uploads one file, streamed from disk; and what becomes of files."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.cli.client.gateway_client import GatewayClient
from ingest.cli.exit_codes import Refused
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


class SentBytes:
    """Reports sent bytes to a listener, so that they can be corrected."""

    def __init__(self, listener: UploadListener) -> None:
        self._listener = listener
        self._sent = 0

    def add(self, count: int) -> None:
        """Report bytes that were sent."""
        self.set(self._sent + count)

    def set(self, bytes_len: int) -> None:
        """Correct the listener's count to ``bytes_len`` sent bytes."""
        if self._sent != bytes_len:
            self._listener.sent(bytes_len - self._sent)
            self._sent = bytes_len


async def upload_file(
    gateway: GatewayClient, file: Candidate, options: UploadOptions, listener: UploadListener
) -> AcceptedUpload | Rejection:
    """Upload one file.

    Raises:
        Unreachable: the gateway did not answer for longer than the client's patience.
        Refused: the key is not valid, or the gateway was busy for too long.
    """
    sent = SentBytes(listener)
    params = {"filename": file.path.name} | form_fields(file, options)
    try:
        for text in params.values():
            text.encode()
        length = str(await asyncio.to_thread(_bytes_len, file.path))
        headers = {"content-type": "application/octet-stream", "content-length": length}
        answer = await gateway.upload(params, headers, lambda: _parts(file.path, sent))
    except UnicodeEncodeError:
        return Rejection(str(file.path), "invalid_filename", "the filename is not valid UTF-8")
    except OSError as exc:
        return Rejection(str(file.path), "unreadable_file", exc.strerror or type(exc).__name__)
    except Refused as exc:
        if exc.bars_everything or exc.is_busy:
            raise
        return Rejection(str(file.path), exc.problem, exc.message)
    finally:
        sent.set(file.bytes_len)
    return accepted_upload(file, answer)


def form_fields(file: Candidate, options: UploadOptions) -> dict[str, str]:
    """What is said about a file beside its filename."""
    fields: dict[str, str] = {}
    if file.external_id is not None:
        fields |= {"external_id": file.external_id, "source_path": source_path(file.path)}
    if not options.replace:
        fields["replace"] = "false"
    return fields


def accepted_upload(file: Candidate, answer: Json) -> AcceptedUpload:
    """Read the gateway's answer about an accepted file."""
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


async def _parts(path: Path, sent: SentBytes) -> AsyncIterator[bytes]:
    """Read a file from its beginning; a new try resets the count of sent bytes."""
    sent.set(0)
    with await asyncio.to_thread(path.open, "rb") as source:
        while part := await asyncio.to_thread(source.read, PART_BYTES):
            yield part
            sent.add(len(part))
