"""Reads a multipart form with files while it arrives, without holding it in memory."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ingest.domain.errors import InvalidFilename, InvalidRequest
from serve.form_filename import form_filename

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FILE_PART = "file"
MAX_FIELD_BYTES = 4096
OVERHEAD_BYTES = 256 * 1024
"""Upper bound for the boundaries, headers and fields of one file in a form."""
_MAX_HEADER_BYTES = 4096
_PLAIN_ENCODINGS = {b"", b"7bit", b"8bit", b"binary"}


@dataclass(frozen=True, slots=True)
class FormFile:
    """The beginning of a file in a form."""

    filename: str
    """As the client wrote it; what cannot be decoded is replaced."""
    fields: dict[str, str]
    """The fields since the file before."""
    fault: InvalidFilename | None = None
    """Why the filename cannot be decoded."""


class _EndOf(Enum):
    FILE = auto()
    FORM = auto()


class FileForm:
    """A multipart/form-data body: fields and parts ``file``, then the end.

    Fields come before the file that they belong to, because they are needed while it streams; each
    name occurs once before a file. The method that finds a broken rule raises InvalidRequest, and
    every later call raises it again. If one file is allowed, it ends only after the whole form was
    read and is valid, so that the file of a broken form is never complete.
    """

    def __init__(
        self,
        body: AsyncIterator[bytes],
        *,
        boundary: bytes,
        allowed: frozenset[str],
        max_files: int = 1,
    ) -> None:
        """Prepare to read.

        Args:
            body: The body of the request.
            boundary: The boundary from the content type.
            allowed: Names of allowed fields.
            max_files: Most files in the form.

        Raises:
            InvalidRequest: the boundary is not valid.
        """
        self._body = body
        self._allowed = allowed
        self._max_files = max_files
        self._files = 0
        self._fields: dict[str, str] = {}
        self._headers: dict[bytes, bytes] = {}
        self._header = b""
        self._value = b""
        self._field: str | None = None
        self._field_data = b""
        self._read: deque[FormFile | bytes | _EndOf] = deque()
        """What was parsed and is not returned yet; of one piece of the body at most."""
        self._failure: Exception | None = None
        try:
            self._parser = MultipartParser(
                boundary, self._callbacks(), max_header_size=_MAX_HEADER_BYTES
            )
        except FormParserError as exc:
            raise InvalidRequest("the multipart boundary is too long") from exc

    async def open(self) -> FormFile:
        """Read up to the first file.

        Raises:
            InvalidRequest: the form is not valid, or has no file.
            InvalidFilename: the filename cannot be decoded.
        """
        file = await self.next_file()
        if file is None:
            raise InvalidRequest(f"the form has no part {FILE_PART!r}")
        if file.fault is not None:
            raise file.fault
        return file

    async def next_file(self) -> FormFile | None:
        """Read up to the next file, past the rest of the present one; None at the form's end."""
        while not isinstance(found := await self._next(), FormFile):
            if found is _EndOf.FORM:
                return None
        return found

    async def content(self) -> AsyncIterator[bytes]:
        """Read the bytes of the present file."""
        while isinstance(piece := await self._next(), bytes):
            yield piece

    async def _next(self) -> FormFile | bytes | _EndOf:
        while not self._read:
            if self._failure is not None:
                raise self._failure
            try:
                await self._parse()
            except Exception as exc:
                self._failure = exc
                raise
        return self._read.popleft()

    async def _parse(self) -> None:
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
        if self._files == self._max_files == 1:
            raise InvalidRequest(f"part {name!r} comes after the file, which must be the last")
        if name == FILE_PART:
            self._begin_file(disposition, options.get(b"filename"))
        else:
            self._begin_field(name)

    def _begin_file(self, disposition: bytes, plain: bytes | None) -> None:
        if self._files == self._max_files:
            raise InvalidRequest(f"the form has over {self._max_files} files, the limit")
        encoding = self._headers.get(b"content-transfer-encoding", b"").lower()
        if encoding not in _PLAIN_ENCODINGS:
            raise InvalidRequest("the file must not have a transfer encoding")
        filename, fault = None, None
        try:
            filename = form_filename(disposition, plain)
        except InvalidFilename as exc:
            filename, fault = (plain or b"").decode("utf-8", "replace"), exc
        if filename is None:
            raise InvalidRequest(f"part {FILE_PART!r} has no filename")
        self._read.append(FormFile(filename, self._fields, fault))
        self._fields = {}
        self._files += 1

    def _begin_field(self, name: str) -> None:
        if name not in self._allowed:
            known = ", ".join(sorted(self._allowed | {FILE_PART}))
            raise InvalidRequest(f"the form has a part {name[:100]!r}; it may have {known}")
        if name in self._fields:
            where = "" if self._max_files == 1 else " before one file"
            raise InvalidRequest(f"the form has two parts {name!r}{where}")
        self._field = name

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._read.append(data[start:end])
            return
        self._field_data += data[start:end]
        if len(self._field_data) > MAX_FIELD_BYTES:
            raise InvalidRequest(f"part {self._field!r} has over {MAX_FIELD_BYTES} bytes")

    def _on_part_end(self) -> None:
        if self._field is None:
            if self._max_files > 1:
                self._read.append(_EndOf.FILE)
            return
        try:
            self._fields[self._field] = self._field_data.decode()
        except UnicodeDecodeError as exc:
            raise InvalidRequest(f"part {self._field!r} is not UTF-8") from exc

    def _on_end(self) -> None:
        if self._files and self._fields:
            raise InvalidRequest(f"part {next(iter(self._fields))!r} has no file after it")
        if self._max_files == 1:
            self._read.append(_EndOf.FILE)
        self._read.append(_EndOf.FORM)
