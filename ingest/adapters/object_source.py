"""The Source port on a folder, S3, Google Cloud Storage and Azure, through one library."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store

from ingest.domain.errors import ConfigurationError, NotFound
from ingest.domain.source import SourceObject, SourceUnavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

REMOTE = ("s3", "gs", "az")
_PAGE = 1000
_PART_BYTES = 1024 * 1024
_LONGEST = timedelta(seconds=60)


def open_source(place: str, *, endpoint: str | None = None) -> "ObjectSource":
    """The source behind a path or a URI; nothing remote is contacted yet.

    Args:
        place: A file, a folder, file:///…, s3://bucket/prefix, gs://… or az://…; credentials come
            from the variables that their providers' tools read.
        endpoint: Where another S3 than AWS's is.

    Raises:
        ConfigurationError: it is of another kind, or a file or folder that is not there.
    """
    parts = urlsplit(place)
    if parts.scheme in REMOTE and parts.netloc:
        root = f"{parts.scheme}://{parts.netloc}"
        store = _remote(parts.scheme, parts.netloc, endpoint)
        return ObjectSource(store, root, unquote(parts.path).strip("/"))
    if parts.scheme not in ("", "file") or (parts.scheme == "file" and parts.netloc):
        raise ConfigurationError(
            f"{place!r} cannot be read: give a path, file:///…, "
            + " or ".join(f"{kind}://…" for kind in REMOTE)
        )
    path = Path(unquote(parts.path) if parts.scheme else place).absolute()
    if not path.exists():
        raise ConfigurationError(f"there is no {str(path)!r}")
    folder = path if path.is_dir() else path.parent
    prefix = "" if path.is_dir() else path.name
    return ObjectSource(LocalStore(folder), folder.as_uri(), prefix)


def _remote(kind: str, bucket: str, endpoint: str | None) -> ObjectStore:
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


class ObjectSource:
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

    async def objects(self) -> AsyncIterator[SourceObject]:
        """All of them; see ``ports.sources``."""
        with _translated(self._root):
            found_any = False
            async for page in obstore.list(
                self._store, prefix=self._prefix or None, chunk_size=_PAGE
            ):
                for entry in page:
                    found_any = True
                    yield self._object(entry["path"], entry["size"])
            if not found_any and self._prefix:  # a listing takes a prefix for a folder
                try:
                    entry = await obstore.head_async(self._store, self._prefix)
                except (NotFoundError, FileNotFoundError):
                    return
                yield self._object(entry["path"], entry["size"])

    async def read(self, found: SourceObject) -> AsyncIterator[bytes]:
        """The bytes of one; see ``ports.sources``."""
        with _translated(found.uri):
            answer = await obstore.get_async(self._store, found.key)
            async for part in answer.stream(min_chunk_size=_PART_BYTES):
                yield bytes(part)

    def _object(self, key: str, size: int) -> SourceObject:
        return SourceObject(f"{self._root}/{quote(key)}", key, key.rpartition("/")[2], size)


@contextmanager
def _translated(place: str) -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError) as exc:
        raise NotFound(f"there is no {place!r} (any more)") from exc
    except (BaseError, OSError) as exc:
        raise SourceUnavailable(f"{place!r} cannot be read ({type(exc).__name__})") from exc
