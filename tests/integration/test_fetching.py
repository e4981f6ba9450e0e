"""What was registered unread is fetched once, within limits, and is then like any upload."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ingest.adapters.postgres.backup.dump import PostgresDump
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.documents.reference_store import ReferenceStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.blob_store import ObjectBlobStore
from ingest.domain.errors import (
    DocumentTooLarge,
    LeaseLost,
    SourceGone,
    SourceUnavailable,
    StoreUnavailable,
    UnsupportedMediaType,
)
from ingest.domain.job import ClaimedJob
from tests import builders, samples
from tests.integration.reference_fixtures import ReferenceFixture


@pytest.fixture
def setting(database: Database, tmp_path: Path, s3: str) -> ReferenceFixture:
    return ReferenceFixture(database, tmp_path, s3)


async def test_what_cannot_be_taken_ends_with_what_is_wrong_with_it(
    setting: ReferenceFixture,
) -> None:
    setting.put("gone.md", b"it will vanish")
    setting.put("grown.md", b"it will grow")
    setting.put("song.md", samples.mp3())
    setting.put("empty.md", b"")
    setting.put("large.md", b"x" * 1001)

    registered = await setting.register()
    setting.client.delete_object(Bucket=setting.bucket, Key="gone.md")
    setting.put("grown.md", b"x" * 1001)
    jobs = sorted(await setting.claim(), key=lambda job: job.filename)
    fetched = await setting.fetch(*jobs)

    assert registered.created == 3
    assert registered.refused == {"document_empty": 1, "document_too_large": 1}
    assert [job.filename for job in jobs] == ["gone.md", "grown.md", "song.md"]
    assert [type(one) for one in fetched] == [SourceGone, DocumentTooLarge, UnsupportedMediaType]
    assert "gone.md" in str(fetched[0])
    assert "1000 bytes" in str(fetched[1])
    assert setting.kept() == set()
    assert {row["raw_key"] for row in await setting.documents()} == {None}


async def test_a_bucket_that_does_not_answer_is_tried_again_later(
    setting: ReferenceFixture,
) -> None:
    setting.put("a.md", b"text")
    await setting.register()
    setting.endpoint = "http://127.0.0.1:9"
    [job] = await setting.claim()

    [error] = await setting.fetch(job)

    assert isinstance(error, SourceUnavailable)
    assert error.retryable
    assert setting.uri("a.md") in error.message


async def test_what_is_deleted_while_it_is_fetched_leaves_nothing(
    setting: ReferenceFixture,
) -> None:
    setting.put("a.md", b"deleted")
    setting.put("b.md", b"kept")
    setting.put("c.md", b"kept")
    await setting.register()
    jobs = {job.filename: job for job in await setting.claim()}
    documents = DocumentStore(setting.database)
    for name in ("a.md", "c.md"):
        assert await documents.delete(
            jobs[name].document_id, setting.tenant, remove_blob=setting.blobs.delete
        )

    deleted, kept, same = await setting.fetch(*(jobs[name] for name in ("a.md", "b.md", "c.md")))
    if isinstance(kept, StoreUnavailable):  # the same bytes were removed before they were recorded
        [kept] = await setting.fetch(jobs["b.md"])

    assert isinstance(deleted, LeaseLost)
    assert isinstance(same, LeaseLost)
    assert isinstance(kept, ClaimedJob)
    assert setting.kept() == {str(kept.raw_key).rpartition("/")[2]}


async def test_an_upload_under_the_same_name_goes_before_what_was_not_fetched(
    setting: ReferenceFixture,
) -> None:
    setting.put("a.md", b"of the bucket")
    await setting.register()
    [job] = await setting.claim()
    arrival = builders.an_arrival(setting.tenant, b"uploaded", external_id=setting.uri("a.md"))

    accepted = await builders.accept(setting.database, arrival)
    [late] = await setting.fetch(job)

    assert (accepted.document_id, accepted.generation) == (job.document_id, 2)
    assert isinstance(late, LeaseLost)
    [document] = await setting.documents()
    assert document["file_sha256"] == arrival.file_sha256


async def test_many_that_are_fetched_at_once_are_recorded_together(
    setting: ReferenceFixture,
) -> None:
    for number in range(30):
        setting.put(f"{number}.md", f"text {number}".encode())
    await setting.register()
    store = Counted(setting.database)
    fetcher = builders.a_fetcher(setting.database, setting.blobs, endpoint=setting.endpoint)
    fetcher._references = store
    store.until = lambda: sum(store.sizes) + len(fetcher._recorded._waiting) == 30

    await asyncio.gather(*map(fetcher.fetch, await setting.claim(limit=30)))

    assert len(store.sizes) <= 2
    assert sum(store.sizes) == 30
    assert all(row["raw_key"] for row in await setting.documents())


class Counted(ReferenceStore):
    """References, and how many were recorded with each call; none before it is time."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.sizes: list[int] = []
        self.until: Callable[[], bool] = lambda: True

    async def record(self, fetched: Any, **options: Any) -> frozenset[UUID]:
        self.sizes.append(len(fetched))
        while not self.until():  # noqa: ASYNC110 - what it waits for rings no bell
            await asyncio.sleep(0.01)
        return await super().record(fetched, **options)


async def test_a_blob_that_goes_while_it_is_recorded_is_not_referred_to(
    setting: ReferenceFixture,
) -> None:
    setting.put("a.md", b"text")
    await setting.register()
    [job] = await setting.claim()
    blobs = Forgetful(setting.blobs)
    fetcher = builders.a_fetcher(setting.database, blobs, endpoint=setting.endpoint)

    [error] = await asyncio.gather(fetcher.fetch(job), return_exceptions=True)

    assert getattr(error, "code", None) == "store_unavailable"
    [document] = await setting.documents()
    assert document["raw_key"] is None


class Forgetful(ObjectBlobStore):
    """A storage from which everything is gone when it is looked for."""

    def __init__(self, blobs: ObjectBlobStore) -> None:
        super().__init__(blobs._store, folder=blobs._folder)

    async def exists(self, key: str) -> bool:
        await self.delete(key)
        return await super().exists(key)


async def test_a_backup_needs_no_bytes_of_what_was_not_fetched(setting: ReferenceFixture) -> None:
    setting.put("a.md", b"text")
    setting.put("b.md", b"text, too")
    await setting.register()
    first, _ = await setting.claim()
    [fetched] = await setting.fetch(first)

    async with PostgresDump(setting.database).snapshot() as snapshot:
        needed = list(snapshot.blob_keys)

    assert isinstance(fetched, ClaimedJob)
    assert needed == [fetched.raw_key]


async def test_a_lease_that_is_lost_records_nothing(setting: ReferenceFixture) -> None:
    setting.put("a.md", b"text")
    await setting.register()
    [job] = await setting.claim()
    stale = replace(job, lease=replace(job.lease, token=builders.a_tenant()))

    [error] = await setting.fetch(stale)

    assert isinstance(error, LeaseLost)
    assert setting.kept() == set()
    [document] = await setting.documents()
    assert document["raw_key"] is None
