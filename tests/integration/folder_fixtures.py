"""A tenant's folder, and what registers its files."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path

from ingest.adapters.postgres.pool import Database
from ingest.adapters.sources import Objects
from ingest.adapters.storage.blob_store import open_blob_store
from ingest.app.backfill.register import Registered
from ingest.cli.backfills.run_backfill import matching
from ingest.domain.arrival import NEVER
from ingest.domain.source_object import SourceObject
from ingest.ports.sources import Source
from tests import builders
from tests.integration.reference_fixtures import a_registrar

ALL = matching(None)
JOBS = "SELECT lane, state, correlation_id FROM upload_pipeline.upload_jobs WHERE tenant_id = $1"


class Counted(Objects):
    """Objects, and which of them were read."""

    def __init__(self, shared: Sequence[Path] = ()) -> None:
        super().__init__(shared=shared)
        self.read_uris: list[str] = []

    def read(self, uri: str) -> AsyncIterator[bytes]:
        self.read_uris.append(uri)
        return super().read(uri)


class FolderFixture:
    """A tenant's folder, and what registers it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.tenant = builders.a_tenant()
        self.folder = folder / "in"
        self.folder.mkdir()
        self.blobs = open_blob_store((folder / "blobs").as_uri())
        self.objects = Counted()

    def write(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    def listing(self) -> Source:
        return self.objects.listing(str(self.folder))

    async def register(
        self,
        *,
        limit: int | None = None,
        wanted: Callable[[SourceObject], bool] = ALL,
        manifests: Sequence[Path] = (),
        run: str = "backfill-test",
        restores_before: datetime = NEVER,
    ) -> Registered:
        registrar = a_registrar(
            self.database,
            self.blobs,
            self.objects,
            tenant_id=self.tenant,
            run=run,
            wanted=wanted,
            limit=limit,
            restores_before=restores_before,
        )
        sources = [self.listing()]
        sources += [self.objects.manifest(str(place)) for place in manifests]
        await registrar.register(sources)
        return registrar.registered

    def blob_files(self) -> list[Path]:
        blobs = self.folder.parent / "blobs"
        return [path for path in blobs.rglob("*") if path.is_file()]

    async def jobs(self) -> list[dict[str, object]]:
        return await builders.fetch(self.database, JOBS, self.tenant)
