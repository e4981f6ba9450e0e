"""A document that a person deleted stays away from backfills until somebody asks for it."""

import asyncio
from pathlib import Path

import pytest

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database, TenantDatabase, act_for
from ingest.app.backfill.reprocess import Reprocessor
from ingest.app.queue.end_attempt import FailedAttempts
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.job import ClaimedJob, Lane
from ingest.domain.reprocess import Reprocessing
from ingest.domain.retry import RetryPolicy
from ingest.domain.stage import Stage
from tests import builders
from tests.integration.deleted_fixtures import (
    TOMBSTONES,
    Meanwhile,
    Place,
    began,
    delete,
    documents,
    put,
    rows,
    told,
    tombstones,
    upload,
    uri,
)
from tests.integration.folder_fixtures import Counted, FolderFixture
from tests.integration.reference_fixtures import ReferenceFixture, a_registrar

MARK = "quince"
"""In the name and the text of what is deleted, and nowhere else."""
WAITS_FOR_LOCK = """
SELECT count(*) AS waiting FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'upload_pipeline'::regnamespace AND relkind = 'r'
"""


@pytest.fixture
def folder(database: Database, tmp_path: Path) -> FolderFixture:
    return FolderFixture(database, tmp_path)


@pytest.fixture
def bucket(database: Database, tmp_path: Path, s3: str) -> ReferenceFixture:
    return ReferenceFixture(database, tmp_path, s3)


@pytest.fixture(params=["folder", "shared folder", "bucket"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each place that a backfill reads; files of a folder are copied, the others referred to."""
    if request.param == "bucket":
        bucket: ReferenceFixture = request.getfixturevalue("bucket")
        return bucket
    folder: FolderFixture = request.getfixturevalue("folder")
    if request.param == "shared folder":
        folder.objects = Counted(shared=[folder.folder])
    return folder


async def test_a_deleted_document_does_not_come_back_with_the_next_backfill(
    place: Place,
) -> None:
    put(place, "gone.md", b"gone")
    put(place, "kept.md", b"kept")
    await place.register()
    gone = await delete(place, "gone.md")

    unchanged = await place.register(run="two")
    put(place, "gone.md", b"another text")
    changed = await place.register(run="three")

    assert told(unchanged) == told(changed) == {"created": 0, "deleted": 1, "left_over": 0}
    assert not unchanged.refused
    assert list(await documents(place)) == ["kept.md"]
    assert await tombstones(place) == {gone}


async def test_a_deleted_document_comes_back_once_somebody_asks_for_it(
    place: Place,
) -> None:
    put(place, "a.md", b"text")
    await place.register()
    await delete(place, "a.md")

    restored = await place.register(run="two", restores_before=await began(place))
    again = await place.register(run="three")

    assert told(restored) == {"created": 1, "deleted": 0, "left_over": 0}
    assert told(again) == {"created": 0, "deleted": 0, "left_over": 0}
    assert list(await documents(place)) == ["a.md"]
    assert await tombstones(place) == set()


async def test_what_is_deleted_while_a_restoring_backfill_runs_stays_away(
    place: Place,
) -> None:
    put(place, "a.md", b"text")
    await place.register()
    before = await began(place)
    gone = await delete(place, "a.md")

    late = await place.register(run="two", restores_before=before)

    assert told(late) == {"created": 0, "deleted": 1, "left_over": 0}
    assert await tombstones(place) == {gone}


async def test_a_manifest_names_a_deleted_document_in_vain(bucket: ReferenceFixture) -> None:
    bucket.put("a.md", b"text")
    lines = ({"uri": bucket.uri("a.md"), "bytes_len": 4, "version": "1"}, {"uri": bucket.uri("b")})
    bucket.put("b", b"read at once")
    manifest = bucket.manifest(*lines)
    await bucket.register(manifest=manifest)
    for name in await documents(bucket):
        await delete(bucket, name)

    again = await bucket.register(manifest=manifest, run="two")

    assert told(again) == {"created": 0, "deleted": 2, "left_over": 0}
    assert await bucket.jobs() == []
    assert bucket.kept() == set()


async def test_what_is_deleted_between_listing_and_taking_in_stays_away(
    place: Place,
) -> None:
    put(place, "a.md", b"text")
    await place.register()
    put(place, "a.md", b"another text")
    registrar = a_registrar(
        place.database, place.blobs, place.objects, tenant_id=place.tenant, run="two"
    )
    registrar._inventory = Meanwhile(place.database, lambda: delete(place, "a.md"))

    await registrar.register([place.listing()])

    assert told(registrar.registered) == {"created": 0, "deleted": 1, "left_over": 0}
    assert await documents(place) == {}
    assert (
        await builders.fetch(
            place.database,
            "SELECT uri FROM upload_pipeline.source_objects WHERE tenant_id = $1",
            place.tenant,
        )
        == []
    )
    assert place.blob_files() == []


async def test_a_deletion_that_commits_while_a_backfill_takes_the_object_in_wins(
    place: Place,
) -> None:
    put(place, "a.md", b"text")
    put(place, "other.md", b"other")
    document_id = await upload(place, b"text", external_id=uri(place, "a.md"))
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def remove(key: str) -> None:
        reached.set()
        await go_on.wait()
        await place.blobs.delete(key)

    deleting = asyncio.create_task(
        DocumentStore(place.database).delete(document_id, place.tenant, remove_blob=remove)
    )
    await reached.wait()
    registering = asyncio.create_task(place.register())
    while not (await builders.fetch(place.database, WAITS_FOR_LOCK))[0]["waiting"]:  # noqa: ASYNC110 - it is the database that is waited for
        await asyncio.sleep(0.01)
    go_on.set()

    assert await deleting
    assert told(await registering) == {"created": 1, "deleted": 1, "left_over": 0}
    assert list(await documents(place)) == ["other.md"]


async def test_what_is_deleted_while_its_bytes_are_fetched_stays_away(
    bucket: ReferenceFixture,
) -> None:
    bucket.put("a.md", b"text")
    await bucket.register()
    [job] = await bucket.claim()
    gone = await delete(bucket, "a.md")

    [fetched] = await bucket.fetch(job)
    again = await bucket.register(run="two")

    assert not isinstance(fetched, ClaimedJob)
    assert told(again) == {"created": 0, "deleted": 1, "left_over": 0}
    assert bucket.kept() == set()
    assert await tombstones(bucket) == {gone}


async def test_outdated_documents_are_made_again_without_deleted_ones(
    folder: FolderFixture,
) -> None:
    folder.write("a.md", b"text")
    await folder.register()
    await delete(folder, "a.md")

    renewer = Reprocessor(
        JobStore(folder.database), Reprocessing(folder.tenant, builders.MODEL, "other/1", "run")
    )
    await renewer.register()

    assert (renewer.registered.listed, await folder.jobs()) == (0, [])


async def test_an_upload_of_the_same_name_brings_a_deleted_document_back(
    place: Place,
) -> None:
    put(place, "a.md", b"text")
    await place.register()
    gone = await delete(place, "a.md")

    uploaded = await upload(place, b"uploaded", external_id=uri(place, "a.md"))
    after = await tombstones(place)
    again = await place.register(run="two")

    assert uploaded == gone
    assert after == set()
    assert again.deleted == 0
    assert list(await documents(place)) == ["a.md"], "backfills follow the object again"


async def test_a_document_without_a_name_of_its_own_is_another_than_that_of_a_folder(
    place: Place,
) -> None:
    unnamed = await upload(place, b"text")
    await delete(place, "upload.md")
    put(place, "a.md", b"text")

    taken = await place.register()
    revived = await upload(place, b"text")

    assert told(taken) == {"created": 1, "deleted": 0, "left_over": 0}
    assert (await documents(place))["a.md"] != unnamed
    assert revived == unnamed
    assert await tombstones(place) == set()


async def test_a_tombstone_of_one_tenant_keeps_nothing_from_another(
    bucket: ReferenceFixture,
) -> None:
    bucket.put("a.md", b"text")
    await bucket.register()
    await delete(bucket, "a.md")
    mine, bucket.tenant = bucket.tenant, builders.a_tenant()

    taken = await bucket.register(run="two")

    assert told(taken) == {"created": 1, "deleted": 0, "left_over": 0}
    act_for(bucket.tenant)
    async with TenantDatabase(bucket.database).connection() as connection:
        assert await connection.fetch(TOMBSTONES, mine) == []


async def test_nothing_readable_of_a_deleted_document_is_left(
    place: Place,
) -> None:
    put(place, f"{MARK}.md", f"The {MARK} is ripe.".encode())
    await place.register()
    [job] = await builders.claim(place.database, lane=Lane.BACKFILL)
    unreadable = DocumentUnreadable(f"{MARK}.md cannot be read")
    failed_attempts = FailedAttempts(JobStore(place.database), RetryPolicy())
    await failed_attempts.fail_job(job, unreadable, stage=Stage.PARSING)
    assert any(MARK in row for row in await rows(place.database, "events"))

    await delete(place, f"{MARK}.md")
    again = await place.register(run="two")

    assert again.deleted == 1
    for table in [row["relname"] for row in await builders.fetch(place.database, TABLES)]:
        assert not [row for row in await rows(place.database, table) if MARK in row], table
    assert place.blob_files() == []
    history = await rows(place.database, "events", place.tenant)
    assert any("document_unreadable" in row for row in history), "the code stays"
