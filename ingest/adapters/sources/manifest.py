"""Reads manifests: lists of objects as NDJSON, CSV or Parquet."""

import asyncio
import csv
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.adapters.sources.bucket import REMOTE, is_remote
from ingest.domain.errors import ConfigurationError, ManifestLineInvalid, SourceUnavailable
from ingest.domain.source_object import Broken, SourceObject

MAX_LINE_BYTES = 64 * 1024
_PAGE = 1000
_FORMATS = (".ndjson", ".jsonl", ".csv", ".parquet")
Row = tuple[str, dict[str, Any] | ManifestLineInvalid]
"""Position of an entry in the manifest, and its fields or its error."""


class ManifestSource:
    """The objects that a manifest names.

    Fields: ``uri``; optional ``filename``, ``bytes_len`` and ``version``. With a version, a later
    run knows without reading that an object did not change.
    """

    def __init__(self, place: str, read: Callable[[str], AsyncIterator[bytes]]) -> None:
        """Keep the place; ``read`` returns the bytes behind a path or a URI.

        Raises:
            ConfigurationError: the file extension is not of a supported format.
        """
        parts = urlsplit(place)
        self._place = place
        self._read = read
        self._remote = parts.scheme in REMOTE
        self._format = Path(unquote(parts.path)).suffix.lower()
        if self._format not in _FORMATS:
            raise ConfigurationError(
                f"{place!r} is not a manifest: its name must end in {', '.join(_FORMATS)}"
            )

    async def objects(self) -> AsyncIterator[SourceObject | Broken]:
        """List all objects; see ``ports.sources``. An invalid line does not stop the others."""
        with tempfile.TemporaryFile(prefix="manifest-") as copy:
            async for part in self._read(self._place):
                await asyncio.to_thread(copy.write, part)
            copy.seek(0)
            rows = self._rows(copy)
            while page := await asyncio.to_thread(lambda: list(islice(rows, _PAGE))):
                for place, fields in page:
                    yield self._object(place, fields)

    def _rows(self, copy: IO[bytes]) -> Iterator[Row]:
        reader = {".csv": _csv_rows, ".parquet": _parquet_rows}.get(self._format, _json_rows)
        try:
            yield from reader(copy)
        except (pa.ArrowException, csv.Error, OSError) as exc:
            raise SourceUnavailable(f"the manifest {self._place!r} cannot be read: {exc}") from exc

    def _object(
        self, place: str, fields: dict[str, Any] | ManifestLineInvalid
    ) -> SourceObject | Broken:
        if isinstance(fields, ManifestLineInvalid):
            return Broken(place, fields)
        try:
            return self._checked(fields)
        except ManifestLineInvalid as exc:
            return Broken(place, exc)

    def _checked(self, fields: dict[str, Any]) -> SourceObject:
        uri = fields.get("uri")
        if not isinstance(uri, str) or not uri or "\0" in uri:
            raise ManifestLineInvalid("it has no 'uri'")
        parts = urlsplit(uri)
        local = parts.scheme == "file" and not parts.netloc and not self._remote
        if not local and not is_remote(uri):
            kinds = REMOTE if self._remote else ("file", *REMOTE)
            raise ManifestLineInvalid(
                f"its uri must begin with {' or '.join(f'{kind}://' for kind in kinds)}"
            )
        size = fields.get("bytes_len") or 0
        named = fields.get("filename") or unquote(parts.path).rpartition("/")[2]
        try:
            return SourceObject(uri, str(named), int(size), str(fields.get("version") or ""))
        except (TypeError, ValueError) as exc:
            raise ManifestLineInvalid("its 'bytes_len' is no number") from exc


def _json_rows(copy: IO[bytes]) -> Iterator[Row]:
    number = 0
    while line := copy.readline(MAX_LINE_BYTES):
        number += 1
        if not line.endswith(b"\n") and len(line) == MAX_LINE_BYTES:
            while (rest := copy.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield f"line {number}", ManifestLineInvalid(f"it has over {MAX_LINE_BYTES} bytes")
        elif line.strip():
            try:
                fields = json.loads(line)
            except ValueError:
                fields = None
            valid = isinstance(fields, dict)
            yield f"line {number}", fields if valid else ManifestLineInvalid("it is no JSON object")


def _csv_rows(copy: IO[bytes]) -> Iterator[Row]:
    lines = (line.decode("utf-8", "replace") for line in copy)
    reader = csv.DictReader(lines)
    if "uri" not in (reader.fieldnames or ()):
        raise csv.Error("its first line has no column 'uri'")
    for fields in reader:
        yield f"line {reader.line_num}", dict(fields)


def _parquet_rows(copy: IO[bytes]) -> Iterator[Row]:
    table = pq.ParquetFile(copy)
    if "uri" not in table.schema_arrow.names:
        raise pa.ArrowInvalid("it has no column 'uri'")
    wanted = {"uri", "filename", "bytes_len", "version"} & set(table.schema_arrow.names)
    number = 0
    for batch in table.iter_batches(batch_size=_PAGE, columns=sorted(wanted)):
        for fields in batch.to_pylist():
            number += 1
            yield f"row {number}", fields
