"""A tenant's bucket, what registers its objects, and what fetches them."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.documents.reference_store import ReferenceStore
from ingest.adapters.postgres.documents.source_store import SourceStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.sources import Objects
from ingest.adapters.storage.blob_store import ObjectBlobStore, open_blob_store
from ingest.app.backfill.register import Registered, Registrar
from ingest.app.intake.upload import Intake
from ingest.domain.arrival import NEVER
from ingest.domain.job import ClaimedJob, Lane
from ingest.domain.source_object import SourceObject
from ingest.ports.sources import Source
from tests import builders

DOCUMENTS = """
SELECT document_id, name, filename, media_type, bytes_len, file_sha256, raw_key, generation
FROM upload_pipeline.documents WHERE tenant_id = $1 ORDER BY name
"""
JOBS = """
SELECT j.job_id, j.state, j.generation, j.file_sha256, d.filename
FROM upload_pipeline.upload_jobs AS j INNER JOIN upload_pipeline.documents AS d USING (document_id)
WHERE j.tenant_id = $1 ORDER BY d.filename, j.generation, j.created_at
"""


def a_registrar(
    database: Database,
    blobs: ObjectBlobStore,
    objects: Objects,
    *,
    tenant_id: UUID,
    run: str,
    wanted: Callable[[SourceObject], bool] = lambda _: True,
    limit: int | None = None,
    restores_before: datetime = NEVER,
) -> Registrar:
    """Registers objects of at most a thousand bytes each."""
    return Registrar(
        Intake(blobs, DocumentStore(database), max_bytes=1000),
        SourceStore(database),
        ReferenceStore(database),
        objects,
        tenant_id=tenant_id,
        run=run,
        at_once=4,
        wanted=wanted,
        limit=limit,
        restores_before=restores_before,
    )


class ReferenceFixture:
    """A tenant's bucket, what registers it, and what fetches it."""

    def __init__(self, database: Database, folder: Path, endpoint: str) -> None:
        self.database = database
        self.tenant = builders.a_tenant()
        self.bucket = f"of-{self.tenant}"
        self.endpoint = endpoint
        self.client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        self.client.create_bucket(Bucket=self.bucket)
        self.folder = folder
        self.blobs = open_blob_store((folder / "blobs").as_uri())
        self.objects = Objects(endpoint=endpoint)

    def put(self, name: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=name, Body=content)

    def listing(self) -> Source:
        return self.objects.listing(f"s3://{self.bucket}")

    async def register(
        self,
        *,
        manifest: Path | None = None,
        run: str = "one",
        restores_before: datetime = NEVER,
    ) -> Registered:
        registrar = a_registrar(
            self.database,
            self.blobs,
            self.objects,
            tenant_id=self.tenant,
            run=run,
            restores_before=restores_before,
        )
        await registrar.register(
            [self.listing() if manifest is None else self.objects.manifest(str(manifest))]
        )
        return registrar.registered

    def manifest(self, *lines: dict[str, Any]) -> Path:
        place = self.folder / "manifest.ndjson"
        place.write_text("\n".join(map(json.dumps, lines)))
        return place

    def uri(self, name: str) -> str:
        return f"s3://{self.bucket}/{name}"

    async def claim(self, limit: int = 10) -> list[ClaimedJob]:
        return await builders.claim(self.database, limit=limit, lane=Lane.BACKFILL)

    async def fetch(self, *jobs: ClaimedJob) -> list[ClaimedJob | BaseException]:
        fetcher = builders.a_fetcher(self.database, self.blobs, endpoint=self.endpoint)
        return await asyncio.gather(*map(fetcher.fetch, jobs), return_exceptions=True)

    async def documents(self) -> list[dict[str, Any]]:
        return await builders.fetch(self.database, DOCUMENTS, self.tenant)

    async def jobs(self) -> list[dict[str, Any]]:
        return await builders.fetch(self.database, JOBS, self.tenant)

    def blob_files(self) -> list[Path]:
        return [path for path in self.folder.glob("blobs/**/*") if path.is_file()]

    def kept(self) -> set[str]:
        """Digests of the blobs that are stored."""
        return {path.name for path in self.folder.glob("blobs/tenants/*/raw/*")}
