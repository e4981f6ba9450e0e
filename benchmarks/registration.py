"""Registering for a backfill: by a copy, unread, and again when nothing has changed."""

import asyncio
import contextlib
import json
import time
from pathlib import Path
from uuid import UUID, uuid4

from benchmarks.own_database import own_database
from benchmarks.report import Report, run
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.documents.reference_store import ReferenceStore
from ingest.adapters.postgres.documents.source_store import SourceStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.sources import Objects
from ingest.adapters.storage.blob_store import open_blob_store
from ingest.app.backfill.register import PAGE, Registered, Registrar
from ingest.app.intake.upload import Intake
from ingest.cli.backfills.run_backfill import matching
from ingest.domain.arrival import NEVER
from ingest.domain.source_object import SourceObject
from ingest.ports.sources import Source

_AT_ONCE = 16
_BODY = "The pilot boards at the outer buoy, two miles off the light. Number {}."


class Bench:
    """A folder of small files, a manifest of a bucket, and a database for their documents."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._files = folder / "files"
        self._manifest = folder / "bucket.ndjson"
        self._blobs = open_blob_store((folder / "blobs").as_uri())
        self._objects = Objects()
        self._sharing = Objects(shared=[self._files])

    def write(self, count: int) -> None:
        """Make the files."""
        self._files.mkdir()
        for number in range(count):
            (self._files / f"{number}.txt").write_text(_BODY.format(number), encoding="utf-8")

    def describe(self, count: int) -> None:
        """Write the manifest of a bucket, which nobody reads here."""
        with self._manifest.open("w", encoding="utf-8") as lines:
            for number in range(count):
                uri = f"s3://notes/{number // 1000:04}/{number:07}.txt"
                line = {"uri": uri, "bytes_len": len(_BODY), "version": f"v{number}"}
                lines.write(json.dumps(line) + "\n")

    @property
    def folder(self) -> Source:
        """The files."""
        return self._objects.listing(str(self._files))

    @property
    def bucket(self) -> Source:
        """What the manifest names."""
        return self._objects.manifest(str(self._manifest))

    async def inventory(self, source: Source) -> float:
        """Seconds until everything is listed in the inventory, and nothing is taken in."""
        tenant_id = uuid4()
        store, page, began = SourceStore(self._database), [], time.monotonic()
        async for found in source.objects():
            if isinstance(found, SourceObject):
                page.append(found)
            if len(page) == PAGE:
                await store.note(tenant_id, "benchmark", page, restores_before=NEVER)
                page = []
        await store.note(tenant_id, "benchmark", page, restores_before=NEVER)
        return time.monotonic() - began

    async def register(
        self, source: Source, tenant_id: UUID, *, shared: bool = False
    ) -> tuple[float, Registered]:
        """Seconds until everything is a document with a job; files are shared, or copied."""
        registrar = Registrar(
            Intake(self._blobs, DocumentStore(self._database), max_bytes=1_000_000),
            SourceStore(self._database),
            ReferenceStore(self._database),
            self._sharing if shared else self._objects,
            tenant_id=tenant_id,
            run=str(uuid4()),
            at_once=_AT_ONCE,
            wanted=matching(None),
        )
        began = time.monotonic()
        await registrar.register([source])
        return time.monotonic() - began, registrar.registered


def measure(quick: bool) -> Report:
    """Copy a folder, share it, refer to a bucket, and do it again."""
    copied, referred = (2_000, 10_000) if quick else (20_000, 200_000)
    with own_database() as (folder, url):
        return asyncio.run(_measure(url, folder, copied, referred))


async def _measure(url: str, folder: Path, copied: int, referred: int) -> Report:
    database, files_of, objects_of = Database(url), uuid4(), uuid4()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        bench = Bench(database, folder)
        bench.write(copied)
        bench.describe(referred)
        copying, files = await bench.register(bench.folder, files_of)
        sharing, unread = await bench.register(bench.folder, uuid4(), shared=True)
        referring, objects = await bench.register(bench.bucket, objects_of)
        again, known = await bench.register(bench.bucket, objects_of)
        listing = await bench.inventory(bench.bucket)
    counts = (files.created, unread.created, objects.created, known.unchanged)
    if counts != (copied, copied, referred, referred):
        raise RuntimeError(f"copied, shared, referred to and found again: {counts}")
    return Report(
        "registration",
        {
            "files": copied,
            "objects": referred,
            "at_once": _AT_ONCE,
            "source": "folder; manifest of a bucket",
            "bytes_each": len(_BODY),
        },
        "files of a folder, which are read and copied as they are registered",
        {
            "copied_per_s": copied / copying,
            "shared_per_s": copied / sharing,
            "referred_per_s": referred / referring,
            "listed_per_s": referred / listing,
            "unchanged_per_s": referred / again,
            "ratio_referred_vs_copied": (referred / referring) / (copied / copying),
            "ratio_shared_vs_copied": copying / sharing,
            "ratio_again_vs_first": referring / again,
        },
    )


if __name__ == "__main__":
    run(measure, description=__doc__)
