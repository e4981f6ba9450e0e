"""Two documents with one text: when one of them goes, the other keeps what it refers to."""

import asyncio
from pathlib import Path

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.blob_store import ObjectBlobStore, open_blob_store
from ingest.domain.job import ClaimedJob
from tests import builders
from tests.integration.parsing_fixtures import ParsingFixture
from tests.integration.test_deletion import CONTENT, delete, run_stage, take_in


class Deleting(ObjectBlobStore):
    """A blob storage on which a document is deleted right behind the first blob that is written."""

    def __init__(self, database: Database, folder: Path, victim: ClaimedJob) -> None:
        self._plain = open_blob_store(folder.as_uri())
        super().__init__(self._plain._store, folder=folder)
        self._database = database
        self._victim: ClaimedJob | None = victim

    async def put(self, key: str, data: bytes) -> None:
        await super().put(key, data)
        victim, self._victim = self._victim, None
        if victim is not None:
            await delete(self._database, self._plain, victim)


async def test_a_text_that_goes_with_its_twin_before_it_is_recorded_is_stored_again(
    database: Database, tmp_path: Path
) -> None:
    blobs, tenant_id = open_blob_store(tmp_path.as_uri()), builders.a_tenant()
    twin = await take_in(database, blobs, builders.an_arrival(tenant_id, CONTENT, external_id="b"))
    assert await run_stage(database, blobs, twin, lambda: asyncio.sleep(0)) == 1
    job = await take_in(database, blobs, builders.an_arrival(tenant_id, CONTENT, external_id="a"))

    went_on = await run_stage(
        database, Deleting(database, tmp_path, twin), job, lambda: asyncio.sleep(0)
    )

    document = await DocumentStore(database).get(job.document_id, tenant_id)
    assert (went_on, document and document.parsed_key) == (0, None)
    await builders.execute(
        database,
        "UPDATE upload_pipeline.upload_jobs SET wait_until = now(), run_after = now()",
    )
    [again] = await builders.claim(database)
    assert await run_stage(database, blobs, again, lambda: asyncio.sleep(0)) == 1
    document = await DocumentStore(database).get(job.document_id, tenant_id)
    assert document is not None
    assert document.parsed_key is not None
    assert await blobs.exists(document.parsed_key)


async def test_the_text_of_a_parse_that_goes_before_the_parse_is_complete_is_stored_again(
    parsing: ParsingFixture, tmp_path: Path
) -> None:
    lost: list[Path] = []

    class Losing(ObjectBlobStore):
        async def put(self, key: str, data: bytes) -> None:
            await super().put(key, data)
            if not lost:
                lost.append(tmp_path / key)
                lost[0].unlink()

    parsing.collector._blobs = Losing(parsing.blobs._store, folder=tmp_path)

    assert (await parsing.through(CONTENT)).text
    assert lost
    assert lost[0].exists()
    assert [state for state, _ in await parsing.calls()] == ["settled"]
