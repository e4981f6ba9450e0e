"""Buckets as sources: S3, Google Cloud Storage and Azure, through one library."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store

from ingest.domain.errors import ConfigurationError, NotFound
from ingest.domain.source_object import Broken, SourceObject, SourceUnavailable

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ClientConfig, RetryConfig, S3Config

REMOTE = ("s3", "gs", "az")
_PAGE = 1000
_PART_BYTES = 1024 * 1024
_LONGEST = timedelta(seconds=60)
_DETAILS = tuple(
    map(
        re.compile,
        (r"status code: (\d{3} [A-Za-z ]*[a-z])", r"<Code>(\w+)</Code>", r"HTTP error: ([\w ]+)"),
    )
)
"""The status and the code of an answer, or why there was none."""


def is_remote(uri: str) -> bool:
    """Whether something is in a bucket, by its URI."""
    parts = urlsplit(uri)
    return parts.scheme in REMOTE and bool(parts.netloc)


class Buckets:
    """Opens each bucket once, and reads objects of any."""

    def __init__(self, endpoint: str | None = None) -> None:
        """Contact nothing yet."""
        self._endpoint = endpoint
        self._opened: dict[str, ObjectStore] = {}

    def open(self, root: str) -> ObjectStore:
        """The bucket of a URI without a path; credentials come from its provider's variables.

        Raises:
            ConfigurationError: what is known of it is not enough.
        """
        if root not in self._opened:
            kind, _, bucket = root.partition("://")
            self._opened[root] = _connect(kind, bucket, self._endpoint)
        return self._opened[root]

    async def read(self, uri: str) -> AsyncIterator[bytes]:
        """The bytes of one object; a version of it as a whole, whoever writes meanwhile."""
        parts = urlsplit(uri)
        store = self.open(f"{parts.scheme}://{parts.netloc}")
        with _translated(uri):
            answer = await obstore.get_async(store, unquote(parts.path).lstrip("/"))
            async for part in answer.stream(min_chunk_size=_PART_BYTES):
                yield bytes(part)


class BucketSource:
    """Objects under a prefix, or the one that is named."""

    def __init__(self, store: ObjectStore, root: str, prefix: str) -> None:
        """Remember where.

        Args:
            store: What holds the objects.
            root: URI of the store, without a slash at its end.
            prefix: Folder or name of one object within it; empty for all.
        """
        self._store = store
        self._root = root
        self._prefix = prefix

    async def objects(self) -> AsyncIterator[SourceObject | Broken]:
        """All of them; see ``ports.sources``."""
        with _translated(self._root):
            begins: set[str] = set()
            async for page in obstore.list(
                self._store, prefix=self._prefix or None, chunk_size=_PAGE
            ):
                if not page:
                    continue
                first = page[0]["path"]
                if first in begins:
                    raise SourceUnavailable(
                        f"the listing of {self._root!r} goes round: {first!r} begins a page again"
                    )
                begins.add(first)
                for entry in page:
                    yield self._object(entry)
            if not begins and self._prefix:  # a listing takes a prefix for a folder
                try:
                    entry = await obstore.head_async(self._store, self._prefix)
                except NotFoundError:
                    return
                yield self._object(entry)

    def _object(self, entry: "ObjectMeta") -> SourceObject:
        key = entry["path"]
        version = entry["e_tag"] or f"{entry['last_modified'].isoformat()}-{entry['size']}"
        filename = key.rpartition("/")[2]
        return SourceObject(f"{self._root}/{quote(key)}", filename, entry["size"], version)


def _connect(kind: str, bucket: str, endpoint: str | None) -> ObjectStore:
    client: ClientConfig = {
        "timeout": _LONGEST,
        "connect_timeout": timedelta(seconds=5),
        "allow_http": bool(endpoint and endpoint.startswith("http://")),
    }
    retries: RetryConfig = {"max_retries": 3, "retry_timeout": _LONGEST}
    try:
        if kind == "s3":
            config: S3Config = {"endpoint": endpoint} if endpoint else {}
            return S3Store(bucket, config=config, client_options=client, retry_config=retries)
        if kind == "gs":
            return GCSStore(bucket, client_options=client, retry_config=retries)
        return AzureStore(bucket, client_options=client, retry_config=retries)
    except (BaseError, ValueError) as exc:
        raise ConfigurationError(f"{kind}://{bucket} cannot be read: {exc}") from exc


@contextmanager
def _translated(place: str) -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError) as exc:
        raise NotFound(f"there is no {place!r} (any more)") from exc
    except (BaseError, OSError) as exc:
        raise SourceUnavailable(f"{place!r} cannot be read ({_reason(exc)})") from exc


def _reason(exc: Exception) -> str:
    """The kind of an error, and what the server or the network said; no more, it may name keys."""
    details = [found[1] for pattern in _DETAILS if (found := pattern.search(str(exc)))]
    return ": ".join([type(exc).__name__, ", ".join(details)] if details else [type(exc).__name__])
