"""Registering a folder for a backfill: at first, and again when nothing has changed."""

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path
from uuid import UUID, uuid4

from benchmarks.report import Report, run
from ingest.adapters.blob_store import open_blob_store
from ingest.adapters.embedded_postgres import EmbeddedPostgres
from ingest.adapters.postgres import migrate
from ingest.adapters.postgres.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.source_store import SourceStore
from ingest.adapters.sources import Objects
from ingest.cli.backfilling import matching
from ingest.domain.source import SourceObject
from ingest.lifecycle.accept import Intake
from ingest.lifecycle.register import PAGE, Registered, Registrar

_AT_ONCE = 16
_BODY = "The pilot boards at the outer buoy, two miles off the light. Number {}."


class Bench:
    """A folder of small files, and a database for their documents."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._files = folder / "files"
        self._blobs = open_blob_store((folder / "blobs").as_uri())
        self._objects = Objects()

    def write(self, count: int) -> None:
        """Make the files."""
        self._files.mkdir()
        for number in range(count):
            (self._files / f"{number}.txt").write_text(_BODY.format(number), encoding="utf-8")

    async def inventory(self, user_id: UUID) -> float:
        """Seconds until everything is listed in the inventory, and nothing is taken in."""
        store, page, began = SourceStore(self._database), [], time.monotonic()
        async for found in self._objects.listing(str(self._files)).objects():
            if isinstance(found, SourceObject):
                page.append(found)
            if len(page) == PAGE:
                await store.note(user_id, "benchmark", page)
                page = []
        await store.note(user_id, "benchmark", page)
        return time.monotonic() - began

    async def register(self, user_id: UUID) -> tuple[float, Registered]:
        """Seconds until everything is a document with a job."""
        registrar = Registrar(
            Intake(self._blobs, DocumentStore(self._database), max_bytes=1_000_000),
            SourceStore(self._database),
            self._objects,
            user_id=user_id,
            run=str(uuid4()),
            at_once=_AT_ONCE,
            wanted=matching(None),
        )
        began = time.monotonic()
        await registrar.register([self._objects.listing(str(self._files))])
        return time.monotonic() - began, registrar.registered


def measure(quick: bool) -> Report:
    """List, register, and register again."""
    count = 3_000 if quick else 30_000
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with EmbeddedPostgres(folder) as server:
            url = server.start()
            migrate.upgrade(url)
            return asyncio.run(_measure(url, folder, count))


async def _measure(url: str, folder: Path, count: int) -> Report:
    database, user_id = Database(url), uuid4()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        bench = Bench(database, folder)
        bench.write(count)
        listed = await bench.inventory(uuid4())
        first, made = await bench.register(user_id)
        again, known = await bench.register(user_id)
    if (made.created, known.unchanged) != (count, count):
        raise RuntimeError(
            f"{made.created} registered and {known.unchanged} found again of {count}"
        )
    return Report(
        "registration",
        {"objects": count, "at_once": _AT_ONCE, "source": "folder", "bytes_each": len(_BODY)},
        "the first run, which reads and copies every object",
        {
            "listed_per_s": count / listed,
            "registered_per_s": count / first,
            "unchanged_per_s": count / again,
            "ratio_again_vs_first": first / again,
        },
    )


if __name__ == "__main__":
    run(measure, description=__doc__)
