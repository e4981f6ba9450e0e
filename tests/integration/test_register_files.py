"""Registering files, of which the bytes are copied: together, and none of them for nothing."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from obstore.store import LocalStore

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.documents.reference_store import ReferenceStore
from ingest.adapters.postgres.jobs.limit_store import LimitStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.blob_store import ObjectBlobStore
from ingest.app.backfill.register_references import ReferenceRegistrar
from ingest.app.intake.upload import Intake
from ingest.domain.arrival import NEVER, Accepted, Arrival
from ingest.domain.errors import LimitReached
from ingest.domain.job import Lane
from ingest.domain.source_object import SourceObject
from ingest.domain.tenant_limits import TenantLimits
from tests import builders
from tests.integration.folder_fixtures import FolderFixture

DOCUMENTS = """
SELECT d.raw_key, d.file_sha256, j.file_sha256 AS of_job
FROM upload_pipeline.documents AS d INNER JOIN upload_pipeline.upload_jobs AS j USING (document_id)
WHERE d.tenant_id = $1
"""


@pytest.fixture
def setting(database: Database, tmp_path: Path) -> FolderFixture:
    return FolderFixture(database, tmp_path)


async def test_files_that_are_read_at_about_the_same_time_are_registered_together(
    setting: FolderFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    insert = ReferenceStore.insert

    async def counted(store: ReferenceStore, arrivals: Any, **options: Any) -> frozenset[UUID]:
        sizes.append(len(arrivals))
        return await insert(store, arrivals, **options)

    monkeypatch.setattr(ReferenceStore, "insert", counted)
    for number in range(100):
        setting.write(f"{number}.txt", f"text {number}".encode())

    registered = await setting.register()

    assert registered.created == sum(sizes) == 100
    assert len(sizes) <= 50
    documents = await builders.fetch(setting.database, DOCUMENTS, setting.tenant)
    assert [await setting.blobs.exists(row["raw_key"]) for row in documents] == [True] * 100
    assert all(row["file_sha256"] == row["of_job"] for row in documents)


async def test_bytes_that_go_while_they_are_registered_are_brought_again(
    setting: FolderFixture,
) -> None:
    setting.blobs = Forgetful(setting.folder.parent / "blobs")
    setting.write("a.txt", b"a")
    setting.write("b.txt", b"b")

    registered = await setting.register()

    assert registered.created == 2
    documents = await builders.fetch(setting.database, DOCUMENTS, setting.tenant)
    assert [await setting.blobs.exists(row["raw_key"]) for row in documents] == [True, True]


class Forgetful(ObjectBlobStore):
    """A storage from which each blob is gone when it is looked for the first time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalStore(folder, mkdir=True), folder=folder)
        self._known: set[str] = set()

    async def exists(self, key: str) -> bool:
        if key not in self._known:
            self._known.add(key)
            await self.delete(key)
        return await super().exists(key)


async def test_where_no_more_may_be_registered_no_bytes_stay(setting: FolderFixture) -> None:
    await LimitStore(setting.database).set(setting.tenant, TenantLimits(uploads_per_day=2))
    intake = Intake(setting.blobs, DocumentStore(setting.database), max_bytes=1000)
    references = ReferenceRegistrar(
        intake,
        ReferenceStore(setting.database),
        setting.objects,
        tenant_id=setting.tenant,
        run="one",
        lane=Lane.BACKFILL,
        restores_before=NEVER,
    )
    arrivals: list[tuple[SourceObject, Arrival]] = []
    for number in range(5):
        setting.write(f"{number}.txt", f"text {number}".encode())
        uri = (setting.folder / f"{number}.txt").as_uri()
        found = SourceObject(uri, f"{number}.txt", 6, "1")
        request, body = references.request(found), setting.objects.read(uri)
        arrivals.append((found, await intake.bring(request, body)))

    became = await references.insert(arrivals)

    assert [type(one) for one in became] == [Accepted] * 2 + [LimitReached] * 3
    there = [await setting.blobs.exists(one.raw_key or "") for _, one in arrivals]
    assert there == [True, True, False, False, False]
