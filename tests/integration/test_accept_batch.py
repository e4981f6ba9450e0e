"""Files of one request, while the storage or the database fails in the middle."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.blob_store import ObjectBlobStore, open_blob_store
from ingest.app.intake.accept_batch import Incoming, accept_batch
from ingest.app.intake.upload import Intake, UploadRequest
from ingest.domain.arrival import Accepted, Arrival
from ingest.domain.errors import StoreUnavailable
from tests import builders


class Torn(ObjectBlobStore):
    """Stores everything but one content."""

    async def put(self, key: str, data: bytes) -> None:
        if data == b"torn":
            raise StoreUnavailable("the disk is full")
        await super().put(key, data)


class Dying(DocumentStore):
    """Accepts one document by itself, and then no other one."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked = 0

    async def accept(self, arrival: Arrival, **how: object) -> Accepted:
        self.asked += 1
        if self.asked > 1:
            raise StoreUnavailable("away")
        return await super().accept(arrival, blob_is_there=builders.there)


@dataclass
class Place:
    """A tenant with an intake of its own."""

    database: Database
    blobs: ObjectBlobStore
    tenant: UUID = field(default_factory=builders.a_tenant)

    async def incoming(
        self, *contents: bytes, external_id: str | None = None
    ) -> AsyncIterator[Incoming]:
        for content in contents:
            request = UploadRequest(self.tenant, "a.txt", "test", external_id=external_id)
            yield Incoming(request, _parts(content))

    async def documents(self) -> int:
        rows = await builders.fetch(self.database, "SELECT FROM upload_pipeline.documents")
        return len(rows)


async def _parts(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest.fixture
def place(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("blobs")
    store = open_blob_store(folder.as_uri())
    return Place(database, Torn(store._store, folder=folder))


def stored(place: Place) -> int:
    assert place.blobs._folder is not None
    return sum(path.is_file() for path in place.blobs._folder.rglob("*"))


def an_intake(place: Place, documents: DocumentStore | None = None) -> Intake:
    return Intake(place.blobs, documents or DocumentStore(place.database), max_bytes=10_000_000)


async def test_a_storage_that_fails_for_one_file_fails_them_all(place: Place) -> None:
    files = place.incoming(b"one", b"torn", b"three")

    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await accept_batch(an_intake(place), files)

    assert (stored(place), await place.documents()) == (0, 0)


async def test_a_request_that_is_cancelled_leaves_nothing(place: Place) -> None:
    reached = asyncio.Event()

    async def files() -> AsyncIterator[Incoming]:
        async for one in place.incoming(b"one", b"two", b"x" * 3_000_000):
            yield one
        reached.set()
        await asyncio.Event().wait()

    accepting = asyncio.create_task(accept_batch(an_intake(place), files()))
    await reached.wait()
    accepting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await accepting

    assert (stored(place), await place.documents()) == (0, 0)


async def test_a_database_that_goes_away_refuses_what_follows(place: Place) -> None:
    await accept_batch(an_intake(place), place.incoming(b"first", external_id="a"))
    documents = Dying(place.database)

    results = await accept_batch(
        an_intake(place, documents),
        place.incoming(b"second", b"third", b"fourth", b"fifth", external_id="a"),
    )

    assert [type(result) for result in results] == [Accepted] + [StoreUnavailable] * 3
    assert documents.asked == 2, "it is not asked again for each file"


async def test_no_files_are_no_results(place: Place) -> None:
    assert await accept_batch(an_intake(place), place.incoming()) == []
