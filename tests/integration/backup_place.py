"""A database and its blobs as the command is told of them, and documents in them."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.blob_store import open_blob_store
from ingest.domain.attempt import ParsedRecord, Target
from ingest.domain.identity import parsed_key, sha256_hex
from ingest.domain.job import Lane
from ingest.domain.parse_warning import ParseWarning, WarningCode
from tests import builders
from tests.integration.cli_system import Outcome, ingest

BLANK = ParseWarning(WarningCode.PAGE_WITHOUT_TEXT, "page 1 holds no text")
PARSED = b'{"text": "parsed"}'


class Place:
    """A database and its blobs, as the command is told of them."""

    def __init__(self, database: str, blobs: str, state: Path, **more: str) -> None:
        self.url = database
        self.variables = {
            "INGEST_DATABASE_URL": database,
            "INGEST_BLOB_URL": blobs,
            "INGEST_STATE_DIR": str(state),
            **more,
        }
        self.blobs = open_blob_store(blobs, endpoint=more.get("INGEST_BLOB_ENDPOINT"))

    def run(self, *arguments: object) -> Outcome:
        return ingest(*arguments, **self.variables)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()


async def fill(place: Place, *contents: bytes) -> None:
    """Documents: the first is published, the second is being worked on, the others are queued."""
    database, tenant = Database(place.url), builders.a_tenant()
    try:
        for content in contents:
            arrival = builders.an_arrival(tenant, content)
            assert arrival.raw_key is not None
            await place.blobs.put(arrival.raw_key, content)
            await builders.accept(database, arrival)
        worker = uuid4()
        [done, _] = await builders.claim(database, limit=2, worker_id=worker)
        key = parsed_key(tenant, sha256_hex(PARSED))
        await place.blobs.put(key, PARSED)
        record = ParsedRecord(Target.of(done), key, sha256_hex(PARSED), "test/1", 1, 9, (BLANK,))
        await DocumentStore(database).record_parsed(
            [record], lease=builders.LEASE, text_is_there=place.blobs.exists
        )
        chunks = builders.numbered_chunks(done, 3)
        [missing], _ = await builders.chunk_store(database).plan(
            [builders.share(done, chunks)], lease=builders.LEASE
        )
        await builders.store(database, done, missing.chunks)
        await WorkerStore(database).register(
            worker, Lane.INTERACTIVE, host="gone", pid=1, version="0"
        )
        await builders.execute(
            database, "UPDATE upload_pipeline.workers SET heartbeat_at = now() - interval '40 s'"
        )
    finally:
        await database.close()
