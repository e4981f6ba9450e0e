"""The same contract on a folder and on an S3 bucket."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ingest.adapters.storage.blob_store import ObjectBlobStore, open_blob_store
from ingest.adapters.storage.fsync import FolderSync
from ingest.domain.errors import ConfigurationError, DocumentTooLarge, NotFound, StoreUnavailable

BIG = os.urandom(1 << 20) * 20


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectBlobStore:
    if request.param == "folder":
        return open_blob_store((tmp_path / "blobs").as_uri())
    endpoint = request.getfixturevalue("s3")
    return open_blob_store(f"s3://documents/{tmp_path.name}", endpoint=endpoint)


async def parts(data: bytes, size: int = 300_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("data", [b"", b"x", BIG], ids=["none", "one", "many"])
async def test_what_was_put_is_got(store: ObjectBlobStore, data: bytes) -> None:
    await store.put("tenants/a/raw/1", data)
    await store.put_stream("tenants/a/raw/2", parts(data))

    assert await store.get("tenants/a/raw/1") == data
    assert await store.get("tenants/a/raw/2") == data
    assert await store.exists("tenants/a/raw/2")
    assert not await store.exists("tenants/a/raw/3")


@pytest.mark.parametrize("before", [0, 1, 50])
async def test_a_stream_that_breaks_leaves_nothing_and_its_own_error(
    store: ObjectBlobStore, before: int
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(before):
            yield BIG[:400_000]
        raise DocumentTooLarge("the document has over 3 bytes, the limit")

    with pytest.raises(DocumentTooLarge, match="over 3 bytes"):
        await store.put_stream("incoming/1", broken())

    assert not await store.exists("incoming/1")
    with pytest.raises(NotFound):
        await store.get("incoming/1")


async def test_a_cancelled_stream_leaves_nothing(store: ObjectBlobStore) -> None:
    arrived = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield BIG[:100_000]
        arrived.set()
        await asyncio.sleep(60)

    writing = asyncio.create_task(store.put_stream("incoming/2", endless()))
    await arrived.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert not await store.exists("incoming/2")


async def test_a_blob_moves_and_replaces_what_was_there(store: ObjectBlobStore) -> None:
    await store.put("incoming/3", b"new")
    await store.put("raw/3", b"old")

    await store.rename("incoming/3", "raw/3")

    assert await store.get("raw/3") == b"new"
    assert not await store.exists("incoming/3")
    with pytest.raises(NotFound):
        await store.rename("incoming/3", "raw/4")


async def test_deleting_twice_is_deleting_once(store: ObjectBlobStore) -> None:
    await store.put("raw/5", b"x")

    await store.delete("raw/5")
    await store.delete("raw/5")

    assert not await store.exists("raw/5")


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a/./b"])
async def test_a_key_leads_nowhere_else(store: ObjectBlobStore, key: str) -> None:
    with pytest.raises(ValueError, match="not a blob key"):
        await store.put(key, b"x")


async def test_a_check_writes_and_leaves_nothing(tmp_path: Path) -> None:
    store = open_blob_store(tmp_path.as_uri())

    await store.check()

    assert [name for _, _, names in os.walk(tmp_path) for name in names] == []


async def test_storage_that_is_gone_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    store = open_blob_store("s3://documents/x", endpoint="http://127.0.0.1:9")

    with pytest.raises(StoreUnavailable):
        await store.get("raw/1")


async def test_a_bucket_that_does_not_exist_is_no_missing_blob(
    s3: str,
) -> None:
    store = open_blob_store("s3://elsewhere/x", endpoint=s3)

    with pytest.raises(StoreUnavailable):
        await store.check()
    with pytest.raises(StoreUnavailable):
        await store.get("raw/1")


async def test_a_folder_that_is_full_of_something_else_is_unavailable(tmp_path: Path) -> None:
    store = open_blob_store(tmp_path.as_uri())
    (tmp_path / "raw").write_bytes(b"a file where a folder should be")

    with pytest.raises(StoreUnavailable):
        await store.put("raw/1", b"x")


@pytest.mark.parametrize("url", ["http://example.org/x", "s3://", "documents", "file:///proc/x"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_blob_store(url)


async def test_what_is_written_to_a_folder_is_flushed_with_the_folders_that_lead_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []

    def flush(descriptor: int) -> None:
        place = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        flushed.append(str(place.relative_to(tmp_path)))

    monkeypatch.setattr(os, "fsync", flush)
    store = open_blob_store((tmp_path / "blobs").as_uri())

    await asyncio.gather(*(store.put(f"a/b/{number}", b"x") for number in range(3)))

    assert sorted(set(flushed)) == ["blobs", "blobs/a", "blobs/a/b"] + [
        f"blobs/a/b/{number}" for number in range(3)
    ]
    for number in range(3):
        after = flushed[flushed.index(f"blobs/a/b/{number}") :]
        assert {"blobs/a/b", "blobs/a", "blobs"} <= set(after)


async def test_a_file_that_is_gone_before_it_is_flushed_is_nobody_else_s_error(
    tmp_path: Path,
) -> None:
    (tmp_path / "there").touch()
    sync = FolderSync(tmp_path)

    there, gone = await asyncio.gather(
        sync.flush("there"), sync.flush("gone"), return_exceptions=True
    )

    assert there is None
    assert isinstance(gone, FileNotFoundError)


async def test_a_folder_that_cannot_be_flushed_fails_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").touch()

    def flush(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith("/a"):
            raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", flush)
    sync = FolderSync(tmp_path)

    first, second = await asyncio.gather(
        sync.flush("a/x"), sync.flush("b/x"), return_exceptions=True
    )

    assert isinstance(first, OSError)
    assert second is None
