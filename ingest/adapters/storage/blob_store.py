"""Implements BlobStore on a folder or an S3 bucket, with one library."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

from ingest.adapters.storage.fsync import FolderSync
from ingest.domain.errors import ConfigurationError, NotFound, StoreUnavailable

_PART_BYTES = 8 * 1024**2
_PARTS_AT_ONCE = 2
"""An upload holds at most 16 MB in memory. S3 asks for parts of at least 5 MB, and allows 10,000 of
them: 80 GB, far over the largest upload."""
_ATTEMPTS = 3
_NO_BUCKET = "<Code>NoSuchBucket</Code>"
"""S3's code of a missing bucket; the library has no class for it. It means a wrong setting, not a
lost document."""
_LONGEST = timedelta(seconds=60)
"""Most time for all attempts of a call together; then the job waits in the queue instead."""


def open_blob_store(url: str, *, endpoint: str | None = None) -> "ObjectBlobStore":
    """Open the storage behind a URL; contact nothing yet.

    Args:
        url: file:///folder, which is created when missing, or s3://bucket/prefix with the
            usual AWS_* variables.
        endpoint: URL of an S3 server other than AWS; may be http.

    Raises:
        ConfigurationError: the URL has another scheme, or the folder cannot be made.
    """
    parts = urlsplit(url)
    if (folder := folder_of(url)) is not None:
        try:
            return ObjectBlobStore(LocalStore(folder, mkdir=True), folder=folder)
        except (BaseError, OSError) as exc:
            raise ConfigurationError(f"the blob folder {str(folder)!r} cannot be made") from exc
    return ObjectBlobStore(_open_bucket(parts.netloc, parts.path.strip("/"), endpoint))


def folder_of(url: str) -> Path | None:
    """The folder of a blob storage's URL; None when the URL names a bucket.

    Raises:
        ConfigurationError: the URL has another scheme.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path not in ("", "/"):
        return Path(unquote(parts.path))
    if parts.scheme == "s3" and parts.netloc:
        return None
    raise ConfigurationError(
        f"INGEST_BLOB_URL is {url!r}; it must be file:///folder or s3://bucket/prefix"
    )


def _open_bucket(bucket: str, prefix: str, endpoint: str | None) -> ObjectStore:
    return S3Store(
        bucket,
        prefix=prefix or None,
        config={"endpoint": endpoint} if endpoint else None,
        client_options={
            "timeout": _LONGEST,
            "connect_timeout": timedelta(seconds=5),
            "allow_http": bool(endpoint and endpoint.startswith("http://")),
        },
        retry_config={"max_retries": _ATTEMPTS, "retry_timeout": _LONGEST},
    )


class ObjectBlobStore:
    """Stores blobs as objects; a blob is durable when the call returns."""

    def __init__(self, store: ObjectStore, *, folder: Path | None = None) -> None:
        """Wrap a store; ``folder`` is the root of a folder store, which must be flushed to disk."""
        self._store = store
        self._folder = folder
        self._folder_sync = FolderSync(folder) if folder is not None else None

    async def get(self, key: str) -> bytes:
        """See the port."""
        with _translated(key):
            found = await obstore.get_async(self._store, _checked(key))
            return bytes(await found.bytes_async())

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """The bytes of a blob, in parts.

        Raises:
            NotFound: there is no such blob.
            StoreUnavailable: the storage did not answer, or refused.
        """
        with _translated(key):
            found = await obstore.get_async(self._store, _checked(key))
            async for part in found.stream(min_chunk_size=_PART_BYTES):
                yield bytes(part)

    async def put(self, key: str, data: bytes) -> None:
        """See the port."""
        with _translated(key, writes=True):
            await obstore.put_async(self._store, _checked(key), data, use_multipart=False)
            await self._sync(key)

    async def put_stream(self, key: str, parts: AsyncIterator[bytes]) -> None:
        """See the port."""
        source = _Remembered(parts)
        with _translated(key, source, writes=True):
            await obstore.put_async(
                self._store,
                _checked(key),
                source,
                use_multipart=True,
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
            await self._sync(key)

    async def rename(self, source: str, target: str) -> None:
        """See the port."""
        with _translated(source):
            await obstore.rename_async(self._store, _checked(source), _checked(target))
            await self._sync(target)

    async def delete(self, key: str) -> None:
        """See the port."""
        try:
            with _translated(key):
                await obstore.delete_async(self._store, _checked(key))
        except NotFound:
            return

    async def exists(self, key: str) -> bool:
        """See the port."""
        try:
            with _translated(key):
                await obstore.head_async(self._store, _checked(key))
        except NotFound:
            return False
        return True

    async def check(self) -> None:
        """Write and remove a small blob.

        Raises:
            StoreUnavailable: the storage cannot be written.
        """
        key = f"probes/{uuid4()}"
        await self.put(key, b"probe")
        await self.delete(key)

    async def expire_incoming(self, *, keep: timedelta) -> int:
        """Remove the bytes of incomplete uploads older than ``keep``; returns their number.

        On S3 this removes complete objects only. A lifecycle rule of the bucket must remove parts
        of incomplete multipart uploads.

        Raises:
            StoreUnavailable: the storage did not answer, or refused.
        """
        before = datetime.now(UTC) - keep
        with _translated("tenants"):
            if self._folder is not None:
                return await asyncio.to_thread(_expire_files, self._folder, before)
            listed = await obstore.list_with_delimiter_async(self._store, "tenants")
            expired = 0
            for tenant in listed["common_prefixes"]:
                async for found in obstore.list(self._store, prefix=f"{tenant}/incoming"):
                    old = [blob["path"] for blob in found if blob["last_modified"] < before]
                    await obstore.delete_async(self._store, old)
                    expired += len(old)
        return expired

    async def _sync(self, key: str) -> None:
        if self._folder_sync is not None:
            await self._folder_sync.flush(key)


class _Remembered:
    """Iterates over parts, and tells an error of the parts from an error of the storage."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts
        self.error: BaseException | None = None

    def __aiter__(self) -> "_Remembered":
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._parts)
        except StopAsyncIteration:
            raise
        except BaseException as exc:
            self.error = exc
            raise


@contextmanager
def _translated(
    key: str, source: _Remembered | None = None, *, writes: bool = False
) -> Iterator[None]:
    """Map the library's errors to ours; "not found" in a write means that the bucket is missing."""
    try:
        yield
    except (BaseError, OSError) as exc:
        # The library wraps the error of a source of parts; the caller must get its own error back.
        if source is not None and source.error is not None:
            raise source.error from None
        missing = isinstance(exc, NotFoundError | FileNotFoundError)
        if missing and not writes and _NO_BUCKET not in str(exc):
            raise NotFound(f"there is no blob {key!r}") from exc
        kind = type(exc).__name__
        raise StoreUnavailable(f"the blob storage is not available ({kind})") from exc


def _checked(key: str) -> str:
    if not {".", "..", ""}.isdisjoint(key.split("/")):
        raise ValueError(f"{key!r} is not a blob key")
    return key


def _expire_files(root: Path, before: datetime) -> int:
    """Remove old files, including temporary files of a library whose process died."""
    expired = 0
    for path in root.glob("tenants/*/incoming/*"):
        with suppress(FileNotFoundError):  # the upload ended at this moment
            if path.stat().st_mtime < before.timestamp():
                path.unlink()
                expired += 1
    return expired
