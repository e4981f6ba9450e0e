"""Reads a multipart form with one file while it arrives, without holding it in memory."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ingest.domain.errors import InvalidRequest
from serve.form_filename import form_filename

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FILE_PART = "file"
MAX_FIELD_BYTES = 4096
OVERHEAD_BYTES = 256 * 1024
"""Upper bound for the boundaries, headers and fields of a form."""
_MAX_HEADER_BYTES = 4096
_PLAIN_ENCODINGS = {b"", b"7bit", b"8bit", b"binary"}


class FileForm:
    """A multipart/form-data body: named fields, then one part ``file``, then the end.

    A name may occur once. Fields must come before the file, because they are needed while the
    file streams. The method that finds a broken rule raises InvalidRequest. A file whose form is
    broken is therefore never complete.
    """

    def __init__(
        self, body: AsyncIterator[bytes], *, boundary: bytes, allowed: frozenset[str]
    ) -> None:
        """Prepare to read.

        Args:
            body: The body of the request.
            boundary: The boundary from the content type.
            allowed: Names of allowed fields.

        Raises:
            InvalidRequest: the boundary is not valid.
        """
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        """``open`` sets it."""
        self._body = body
        self._allowed = allowed
        self._headers: dict[bytes, bytes] = {}
        self._header = b""
        self._value = b""
        self._field: str | None = None
        self._field_data = b""
        self._pieces: list[bytes] = []
        self._complete = False
        try:
            self._parser = MultipartParser(
                boundary, self._callbacks(), max_header_size=_MAX_HEADER_BYTES
            )
        except FormParserError as exc:
            raise InvalidRequest("the multipart boundary is too long") from exc

    async def open(self) -> str:
        """Read up to the file; returns the filename as the client wrote it."""
        while self.filename is None:
            if self._complete:
                raise InvalidRequest(f"the form has no part {FILE_PART!r}")
            await self._read()
        return self.filename

    async def content(self) -> AsyncIterator[bytes]:
        """Read the bytes of the file; ends only after the whole form was read and is valid."""
        while True:
            for piece in self._taken():
                yield piece
            if self._complete:
                return
            await self._read()

    def _taken(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        yield from pieces

    async def _read(self) -> None:
        try:
            self._parser.write(await anext(self._body))
        except StopAsyncIteration:
            raise InvalidRequest("the form ends before its closing boundary") from None
        except FormParserError as exc:
            raise InvalidRequest(f"the form is malformed: {exc}") from exc

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def _on_part_begin(self) -> None:
        self._headers = {}
        self._field, self._field_data = None, b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _on_headers_finished(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        kind, options = parse_options_header(disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or not name:
            raise InvalidRequest("a part of the form has no name")
        if self.filename is not None:
            raise InvalidRequest(f"part {name!r} comes after the file, which must be the last")
        if name == FILE_PART:
            self._begin_file(form_filename(disposition, options.get(b"filename")))
        else:
            self._begin_field(name)

    def _begin_file(self, filename: str | None) -> None:
        encoding = self._headers.get(b"content-transfer-encoding", b"").lower()
        if encoding not in _PLAIN_ENCODINGS:
            raise InvalidRequest("the file must not have a transfer encoding")
        if filename is None:
            raise InvalidRequest(f"part {FILE_PART!r} has no filename")
        self.filename = filename

    def _begin_field(self, name: str) -> None:
        if name not in self._allowed:
            known = ", ".join(sorted(self._allowed | {FILE_PART}))
            raise InvalidRequest(f"the form has a part {name[:100]!r}; it may have {known}")
        if name in self.fields:
            raise InvalidRequest(f"the form has two parts {name!r}")
        self._field = name

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._pieces.append(data[start:end])
            return
        self._field_data += data[start:end]
        if len(self._field_data) > MAX_FIELD_BYTES:
            raise InvalidRequest(f"part {self._field!r} has over {MAX_FIELD_BYTES} bytes")

    def _on_part_end(self) -> None:
        if self._field is None:
            return
        try:
            self.fields[self._field] = self._field_data.decode()
        except UnicodeDecodeError as exc:
            raise InvalidRequest(f"part {self._field!r} is not UTF-8") from exc

    def _on_end(self) -> None:
        self._complete = True
