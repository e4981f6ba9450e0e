"""Reads buckets of S3, Google Cloud Storage and Azure, with one library."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store

from ingest.domain.errors import ConfigurationError, NotFound, SourceUnavailable
from ingest.domain.source_object import Broken, SourceObject

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
"""Patterns of the status and the code of an answer, or of the reason why there was none."""


def is_remote(uri: str) -> bool:
    """Whether a URI is of an object in a bucket."""
    parts = urlsplit(uri)
    return parts.scheme in REMOTE and bool(parts.netloc)


class Buckets:
    """Opens each bucket once, and reads objects."""

    def __init__(self, endpoint: str | None = None) -> None:
        """Keep the endpoint; contact nothing yet."""
        self._endpoint = endpoint
        self._opened: dict[str, ObjectStore] = {}

    def open(self, root: str) -> ObjectStore:
        """Open the bucket of a URI without a path; the provider's variables give the credentials.

        Raises:
            ConfigurationError: an option or a credential of the bucket is missing.
        """
        if root not in self._opened:
            kind, _, bucket = root.partition("://")
            self._opened[root] = _connect(kind, bucket, self._endpoint)
        return self._opened[root]

    async def read(self, uri: str) -> AsyncIterator[bytes]:
        """Read the bytes of one object; all parts are of one version, even if it is overwritten."""
        parts = urlsplit(uri)
        store = self.open(f"{parts.scheme}://{parts.netloc}")
        with _translated(uri):
            answer = await obstore.get_async(store, unquote(parts.path).lstrip("/"))
            async for part in answer.stream(min_chunk_size=_PART_BYTES):
                yield bytes(part)


class BucketSource:
    """The objects under a prefix, or one object."""

    def __init__(self, store: ObjectStore, root: str, prefix: str) -> None:
        """Keep the place of the objects.

        Args:
            store: The store of the objects.
            root: URI of the store, without a slash at its end.
            prefix: A folder or the name of one object; empty for all.
        """
        self._store = store
        self._root = root
        self._prefix = prefix

    async def objects(self) -> AsyncIterator[SourceObject | Broken]:
        """List all objects; see ``ports.sources``."""
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
                        f"the server repeats a page of the listing of {self._root!r}: {first!r} "
                        "begins two pages; check the server, or name a smaller prefix"
                    )
                begins.add(first)
                for entry in page:
                    yield self._object(entry)
            if (
                not begins and self._prefix
            ):  # a listing treats the prefix as a folder, so ask for the object itself
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
    """Describe an error by its class, status and code; the full text may contain keys."""
    details = [found[1] for pattern in _DETAILS if (found := pattern.search(str(exc)))]
    return ": ".join([type(exc).__name__, ", ".join(details)] if details else [type(exc).__name__])
