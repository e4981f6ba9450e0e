"""Registering objects: each becomes a job once, whatever is among them and however often."""

from collections.abc import Callable
from pathlib import Path

import builders
import pytest

from ingest.adapters.blob_store import open_blob_store
from ingest.adapters.object_source import open_source
from ingest.adapters.postgres.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.cli.backfilling import matching
from ingest.domain.source import SourceObject
from ingest.lifecycle.accept import Intake
from ingest.lifecycle.register import Registered, Registrar

ALL = matching(None)
JOBS = "SELECT lane, state, correlation_id FROM upload_pipeline.upload_jobs WHERE user_id = $1"


class Setting:
    """A tenant's folder, and what registers it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.tenant = builders.a_tenant()
        self.folder = folder / "in"
        self.folder.mkdir()
        self.blobs = open_blob_store((folder / "blobs").as_uri())

    def write(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    async def register(
        self,
        *,
        limit: int | None = None,
        wanted: Callable[[SourceObject], bool] = ALL,
    ) -> Registered:
        registrar = Registrar(
            Intake(self.blobs, DocumentStore(self.database), max_bytes=1000),
            user_id=self.tenant,
            run="backfill-test",
            at_once=4,
            wanted=wanted,
            limit=limit,
        )
        await registrar.register(open_source(str(self.folder)))
        return registrar.registered

    async def jobs(self) -> list[dict[str, object]]:
        return await builders.fetch(self.database, JOBS, self.tenant)


@pytest.fixture
def setting(database: Database, tmp_path: Path) -> Setting:
    return Setting(database, tmp_path)


async def test_each_object_becomes_one_job_and_again_none(setting: Setting) -> None:
    for number in range(50):
        setting.write(f"{number}.txt", f"text {number}".encode())

    first, again = await setting.register(), await setting.register()
    setting.write("7.txt", b"another text")
    setting.write("new.txt", b"new")
    later = await setting.register()

    assert (first.created, first.there_already) == (50, 0)
    assert (again.created, again.there_already) == (0, 50)
    assert (later.created, later.there_already) == (2, 49)
    jobs = await setting.jobs()
    assert len(jobs) == 52
    assert {job["lane"] for job in jobs} == {"backfill"}
    assert {job["correlation_id"] for job in jobs} == {"backfill-test"}
    assert sorted(job["state"] for job in jobs).count("cancelled") == 1


async def test_what_cannot_be_taken_is_counted_and_the_others_go_on(setting: Setting) -> None:
    setting.write("good.txt", b"text")
    setting.write("empty.txt", b"")
    setting.write("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(50))
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


async def test_only_what_is_meant_and_no_more_than_told(setting: Setting) -> None:
    for name in ("a.md", "b.md", "c.md", "d.txt"):
        setting.write(name, name.encode())

    narrowed = await setting.register(wanted=matching("*.md"), limit=2)

    assert (narrowed.listed, narrowed.created) == (2, 2)


async def test_an_object_that_is_gone_when_it_is_read_is_counted(setting: Setting) -> None:
    setting.write("a.txt", b"a")
    setting.write("b.txt", b"b")

    def vanish(found: SourceObject) -> bool:
        (setting.folder / "b.txt").unlink(missing_ok=True)
        return True

    registered = await setting.register(wanted=vanish)

    assert registered.created == 1
    assert registered.refused == {"not_found": 1}


async def test_copies_under_several_names_are_documents_of_their_own(setting: Setting) -> None:
    setting.write("a.txt", b"the same")
    setting.write("b.txt", b"the same")

    registered = await setting.register()

    assert registered.created == 2
