"""Registering objects: each becomes a job once, whatever is among them and however often."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.cli.backfills.run_backfill import matching
from ingest.domain.source_object import SourceObject
from tests import builders, samples
from tests.integration.folder_fixtures import FolderFixture


@pytest.fixture
def setting(database: Database, tmp_path: Path) -> FolderFixture:
    return FolderFixture(database, tmp_path)


async def test_each_object_becomes_one_job_and_again_none(setting: FolderFixture) -> None:
    for number in range(50):
        setting.write(f"{number}.txt", f"text {number}".encode())

    first, again = await setting.register(), await setting.register()
    setting.write("7.txt", b"another text")
    setting.write("new.txt", b"new")
    later = await setting.register()

    assert (first.created, first.there_already) == (50, 0)
    assert (again.created, again.there_already, again.unchanged) == (0, 50, 50)
    assert (later.created, later.there_already, later.unchanged) == (2, 49, 49)
    assert len(setting.objects.read_uris) == 52
    jobs = await setting.jobs()
    assert len(jobs) == 52
    assert {job["lane"] for job in jobs} == {"backfill"}
    assert {job["correlation_id"] for job in jobs} == {"backfill-test"}
    assert [job["state"] for job in jobs].count("cancelled") == 1


async def test_what_cannot_be_taken_is_counted_and_the_others_go_on(setting: FolderFixture) -> None:
    setting.write("good.txt", b"text")
    setting.write("empty.txt", b"")
    setting.write("song.mp3", samples.mp3())
    setting.write("large.txt", b"x" * 1001)
    setting.write("l" * 250 + ".txt", b"long")
    setting.write("€" * 80 + ".txt", b"as a URI, over 512 characters")

    registered = await setting.register()

    assert registered.listed == 6
    assert registered.created == 2
    assert registered.refused == {
        "document_empty": 1,
        "unsupported_media_type": 1,
        "document_too_large": 1,
        "invalid_request": 1,
    }
    assert registered.done == 6


async def test_only_what_is_meant_and_no_more_than_told(setting: FolderFixture) -> None:
    for name in ("a.md", "b.md", "c.md", "d.txt"):
        setting.write(name, name.encode())

    narrowed = await setting.register(wanted=matching("*.md"), limit=2)

    assert (narrowed.listed, narrowed.created) == (2, 2)


async def test_an_object_that_is_gone_when_it_is_read_is_counted(setting: FolderFixture) -> None:
    setting.write("a.txt", b"a")
    setting.write("b.txt", b"b")

    def vanish(found: SourceObject) -> bool:
        (setting.folder / "b.txt").unlink(missing_ok=True)
        return True

    registered = await setting.register(wanted=vanish)

    assert registered.created == 1
    assert registered.refused == {"not_found": 1}


async def test_copies_under_several_names_are_documents_of_their_own(
    setting: FolderFixture,
) -> None:
    setting.write("a.txt", b"the same")
    setting.write("b.txt", b"the same")

    registered = await setting.register()

    assert registered.created == 2


async def test_what_failed_or_was_edited_is_read_again_and_not_what_was_deleted(
    setting: FolderFixture,
) -> None:
    for name in ("deleted", "failed", "edited"):
        setting.write(f"{name}.txt", name.encode())
    await setting.register()
    documents = DocumentStore(setting.database)
    rows = {view.filename: view for view in await documents.list_newest(setting.tenant)}
    gone, failed, edited = (rows[f"{name}.txt"] for name in ("deleted", "failed", "edited"))
    assert await documents.delete(
        gone.document_id, setting.tenant, remove_blob=setting.blobs.delete
    )
    await builders.execute(
        setting.database,
        "UPDATE upload_pipeline.upload_jobs SET state = 'cancelled', finished_at = now()"
        " WHERE document_id = $1",
        failed.document_id,
    )
    await builders.accept(
        setting.database,
        replace(
            builders.an_arrival(setting.tenant, b"by somebody else"),
            document_id=edited.document_id,
        ),
    )

    again = await setting.register()

    assert (again.listed, again.created, again.deleted, again.unchanged) == (3, 2, 1, 0)


async def test_two_runs_at_once_make_one_job_of_each_object(setting: FolderFixture) -> None:
    for number in range(300):
        setting.write(f"{number}.txt", f"text {number}".encode())

    first, second = await asyncio.gather(setting.register(run="one"), setting.register(run="two"))

    assert len(await setting.jobs()) == 300
    assert first.created + second.created == 300
    for run in (first, second):
        assert run.done + run.left_over == run.listed == 300
    assert first.left_over == 0 or second.left_over == 0


async def test_a_run_that_dies_leaves_its_objects_to_the_next(setting: FolderFixture) -> None:
    for number in range(200):
        setting.write(f"{number}.txt", f"text {number}".encode())
    dying = asyncio.create_task(setting.register(run="dies"))
    while not await setting.jobs():  # noqa: ASYNC110 - it is the database that is waited for
        await asyncio.sleep(0.005)
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    before = len(await setting.jobs())

    after = await setting.register(run="next")

    assert before < 200
    assert len(await setting.jobs()) == 200
    assert (after.done, after.left_over) == (200, 0)


async def test_nothing_is_lost_of_many_objects_that_hold_nothing(setting: FolderFixture) -> None:
    for number in range(2500):
        setting.write(f"{number}.txt", b"")
    setting.write("text.txt", b"text")

    registered = await setting.register()

    assert registered.listed == 2501
    assert (registered.created, registered.refused) == (1, {"document_empty": 2500})


async def test_a_manifest_and_a_folder_that_name_the_same_make_it_once(
    setting: FolderFixture,
) -> None:
    for name in ("a.txt", "b.txt"):
        setting.write(name, name.encode())
    manifest = setting.folder.parent / "some.ndjson"
    uri = (setting.folder / "a.txt").as_uri()
    lines = [json.dumps({"uri": uri})] * 2 + ["{broken", json.dumps({"uri": "http://a/b"})]
    manifest.write_text("\n".join(lines))

    registered = await setting.register(manifests=[manifest])

    assert len(await setting.jobs()) == 2
    assert registered.refused == {"manifest_line_invalid": 2}
    assert registered.left_over == 0
