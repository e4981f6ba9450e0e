"""What is deleted, and what is looked for afterwards, in each place that a backfill reads."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.documents.source_store import SourceStore
from ingest.adapters.postgres.jobs.queue_measures import QueueMeasures
from ingest.adapters.postgres.pool import Database, TenantDatabase, act_for
from ingest.app.backfill.register import Registered
from ingest.app.intake.upload import Intake, UploadRequest
from ingest.domain.source_object import SourceObject
from tests import builders
from tests.integration.folder_fixtures import FolderFixture
from tests.integration.reference_fixtures import ReferenceFixture

TOMBSTONES = "SELECT document_id FROM upload_pipeline.tombstones WHERE tenant_id = $1"
Place = FolderFixture | ReferenceFixture


def put(place: Place, name: str, content: bytes) -> None:
    (place.put if isinstance(place, ReferenceFixture) else place.write)(name, content)


def uri(place: Place, name: str) -> str:
    return (
        place.uri(name) if isinstance(place, ReferenceFixture) else (place.folder / name).as_uri()
    )


async def documents(place: Place) -> dict[str, UUID]:
    """Ids by file name."""
    views = await DocumentStore(place.database).list_newest(place.tenant)
    return {view.filename: view.document_id for view in views}


async def delete(place: Place, name: str) -> UUID:
    """Delete a document as the gateway does; its id."""
    document_id = (await documents(place))[name]
    act_for(place.tenant)
    store = DocumentStore(TenantDatabase(place.database))
    assert await store.delete(document_id, place.tenant, remove_blob=place.blobs.delete)
    return document_id


async def upload(place: Place, content: bytes, *, external_id: str | None = None) -> UUID:
    """Upload as the gateway does; the document's id."""
    act_for(place.tenant)
    store = DocumentStore(TenantDatabase(place.database))
    request = UploadRequest(place.tenant, "upload.md", "test", external_id=external_id)

    async def body() -> AsyncIterator[bytes]:
        yield content

    accepted = await Intake(place.blobs, store, max_bytes=1000).accept(request, body())
    return accepted.document_id


async def began(place: Place) -> datetime:
    """When a backfill that begins now begins, by the clock of the database."""
    return await QueueMeasures(place.database).now()


async def tombstones(place: Place) -> set[UUID]:
    rows = await builders.fetch(place.database, TOMBSTONES, place.tenant)
    return {row["document_id"] for row in rows}


def told(registered: Registered) -> dict[str, int]:
    return {
        "created": registered.created,
        "deleted": registered.deleted,
        "left_over": registered.left_over,
    }


class Meanwhile(SourceStore):
    """An inventory beside which something happens after it told what is to be taken in."""

    def __init__(self, database: Database, act: Callable[[], Awaitable[object]]) -> None:
        super().__init__(database)
        self._act: Callable[[], Awaitable[object]] | None = act

    async def pending(
        self, tenant_id: UUID, run: str, *, limit: int, besides: Sequence[str]
    ) -> list[SourceObject]:
        found = await super().pending(tenant_id, run, limit=limit, besides=besides)
        if found and self._act is not None:
            act, self._act = self._act, None
            await act()
        return found


async def rows(database: Database, table: str, tenant: UUID | None = None) -> list[str]:
    """Everything in a table, as text."""
    found = await builders.fetch(database, f"SELECT t::text AS row FROM upload_pipeline.{table} t")
    return [row["row"] for row in found if tenant is None or str(tenant) in row["row"]]
