"""A tenant's folder, and what registers its files."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import builders
from integration.reference_parts import a_registrar

from ingest.adapters.blob_store import open_blob_store
from ingest.adapters.postgres.pool import Database
from ingest.adapters.sources import Objects
from ingest.cli.backfilling import matching
from ingest.domain.source import SourceObject
from ingest.lifecycle.register import Registered

ALL = matching(None)
JOBS = "SELECT lane, state, correlation_id FROM upload_pipeline.upload_jobs WHERE user_id = $1"


class Counted(Objects):
    """Objects, and which of them were read."""

    def __init__(self, shared: Sequence[Path] = ()) -> None:
        super().__init__(shared=shared)
        self.read_uris: list[str] = []

    def read(self, uri: str) -> AsyncIterator[bytes]:
        self.read_uris.append(uri)
        return super().read(uri)


class FolderSetting:
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

    async def register(
        self,
        *,
        limit: int | None = None,
        wanted: Callable[[SourceObject], bool] = ALL,
        manifests: Sequence[Path] = (),
        run: str = "backfill-test",
    ) -> Registered:
        registrar = a_registrar(
            self.database,
            self.blobs,
            self.objects,
            user_id=self.tenant,
            run=run,
            wanted=wanted,
            limit=limit,
        )
        sources = [self.objects.listing(str(self.folder))]
        sources += [self.objects.manifest(str(place)) for place in manifests]
        await registrar.register(sources)
        return registrar.registered

    async def jobs(self) -> list[dict[str, object]]:
        return await builders.fetch(self.database, JOBS, self.tenant)
