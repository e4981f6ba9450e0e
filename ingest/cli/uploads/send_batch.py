"""Uploads several small files in one request."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote
from uuid import uuid4

from ingest.cli.client.gateway_client import GatewayClient
from ingest.cli.exit_codes import BUSY, Refused
from ingest.cli.output import Json
from ingest.cli.uploads.select_files import Candidate
from ingest.cli.uploads.upload_file import (
    Rejection,
    SentBytes,
    UploadListener,
    accepted_upload,
    form_fields,
)
from ingest.cli.uploads.upload_options import UploadOptions

MAX_FILES = 50
SMALL_BYTES = 256 * 1024
"""Largest file that is uploaded together with others; they are in memory meanwhile."""
_Part = tuple[Candidate, bytes, bytes]
"""A file, what comes before its content in the form, and its content."""


class BatchSender:
    """Sends files in batches, as long as the gateway knows how to take them."""

    def __init__(
        self, gateway: GatewayClient, options: UploadOptions, listener: UploadListener
    ) -> None:
        self._gateway = gateway
        self._options = options
        self._listener = listener
        self._is_known = True
        """False when the gateway is of a version without this route."""

    async def send(self, files: Sequence[Candidate]) -> Sequence[Candidate]:
        """Upload small files, and report the result of each to the listener.

        Returns:
            Files to upload by themselves: the gateway is of an older version, it was busy when it
            came to them, or they cannot be read or named.

        Raises:
            Unreachable: the gateway did not answer for longer than the client's patience.
            Refused: the key is not valid, or the gateway was busy for too long.
        """
        if not self._is_known:
            return files
        boundary = uuid4().hex
        parts = await asyncio.to_thread(self._read, files, boundary)
        results = await self._upload(parts, boundary)
        ended = {file.path for file, result in results if self._end(file, result)}
        return [file for file in files if file.path not in ended]

    def _read(self, files: Sequence[Candidate], boundary: str) -> list[_Part]:
        parts: list[_Part] = []
        for file in files:
            try:
                head = _part_head(file, form_fields(file, self._options), boundary)
                with file.path.open("rb") as source:
                    content = source.read(SMALL_BYTES + 1)
            except (OSError, UnicodeEncodeError):
                continue
            if len(content) <= SMALL_BYTES:
                parts.append((file, head, content))
        return parts

    async def _upload(self, parts: Sequence[_Part], boundary: str) -> list[tuple[Candidate, Json]]:
        """The files with their results; none when the gateway does not take this batch."""
        if not parts:
            return []
        end = f"\r\n--{boundary}--\r\n".encode()
        length = sum(len(head) + len(content) for _, head, content in parts) + len(end)
        headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "content-length": str(length),
        }
        sent = SentBytes(self._listener)

        async def body() -> AsyncIterator[bytes]:
            sent.set(0)
            for _, head, content in parts:
                yield head + content
                sent.add(len(content))
            yield end

        try:
            results = await self._gateway.upload_batch(headers, body)
        except Refused as exc:
            if exc.bars_everything or exc.is_busy:
                raise
            if exc.status in (404, 405):
                self._is_known = False
            results = []
        files = [file for file, _, _ in parts]
        if len(results) != len(files):
            sent.set(0)
            return []
        sent.set(sum(file.bytes_len for file in files))
        return list(zip(files, results, strict=True))

    def _end(self, file: Candidate, result: Json) -> bool:
        """Report a result; False when the file is to be uploaded again."""
        error = result.get("error")
        if error is None:
            self._listener.ended(file, accepted_upload(file, result))
        elif result["status"] in BUSY:
            self._listener.sent(-file.bytes_len)
            return False
        else:
            rejection = Rejection(str(file.path), error["code"], error["detail"])
            self._listener.ended(file, rejection)
        return True


def _part_head(file: Candidate, fields: dict[str, str], boundary: str) -> bytes:
    """The fields of a file, and the head of its part.

    Raises:
        UnicodeEncodeError: a name is not valid UTF-8.
    """
    lead = f"\r\n--{boundary}\r\nContent-Disposition: form-data; name="
    said = "".join(f'{lead}"{name}"\r\n\r\n{value}' for name, value in fields.items())
    # Percent-encoded, a filename arrives as it is, whatever characters it has.
    name = quote(file.path.name, safe="")
    return f"{said}{lead}\"file\"; filename*=UTF-8''{name}\r\n\r\n".encode()
