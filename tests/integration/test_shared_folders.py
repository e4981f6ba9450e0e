"""Files of folders that every node has are registered unread, and fetched by their jobs."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingest.adapters.postgres.pool import Database
from ingest.adapters.sources import Objects
from ingest.domain.errors import SourceGone, SourceUnavailable
from ingest.domain.job import ClaimedJob, Lane
from tests import builders
from tests.integration.folder_fixtures import Counted, FolderFixture


class SharedFolderFixture(FolderFixture):
    """A tenant's folder that every node has."""

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database, folder)
        self.objects = Counted(shared=[self.folder])

    async def fetch(self, shared: Sequence[Path]) -> list[ClaimedJob | BaseException]:
        """What becomes of each job on a node that has these folders, by name."""
        fetcher = builders.a_fetcher(self.database, self.blobs, shared=shared)
        jobs = await builders.claim(self.database, limit=10, lane=Lane.BACKFILL)
        jobs.sort(key=lambda job: job.filename)
        return await asyncio.gather(*map(fetcher.fetch, jobs), return_exceptions=True)

    async def keys(self) -> list[str | None]:
        """Where the bytes of each document are."""
        statement = "SELECT raw_key FROM upload_pipeline.documents WHERE tenant_id = $1"
        rows = await builders.fetch(self.database, statement, self.tenant)
        return [row["raw_key"] for row in rows]


@pytest.fixture
def setting(database: Database, tmp_path: Path) -> SharedFolderFixture:
    return SharedFolderFixture(database, tmp_path)


async def test_files_are_registered_unread_and_fetched_by_their_jobs(
    setting: SharedFolderFixture,
) -> None:
    setting.write("a.md", b"text")
    setting.write("b.md", b"more")

    first, again = await setting.register(), await setting.register(run="again")
    unread = await setting.keys(), setting.objects.read_uris
    fetched = await setting.fetch([setting.folder])

    assert (first.created, again.created, again.unchanged) == (2, 0, 2)
    assert unread == ([None, None], [])
    assert [type(one) for one in fetched] == [ClaimedJob] * 2
    assert None not in await setting.keys()


async def test_a_file_that_is_gone_is_gone(setting: SharedFolderFixture) -> None:
    setting.write("gone.md", b"text")
    setting.write("there.md", b"text")
    await setting.register()
    (setting.folder / "gone.md").unlink()

    gone, there = await setting.fetch([setting.folder])

    assert isinstance(gone, SourceGone)
    assert isinstance(there, ClaimedJob)


@pytest.mark.parametrize("place_is_there", [True, False])
async def test_where_the_folder_is_not_mounted_its_files_are_not_taken_for_gone(
    setting: SharedFolderFixture, place_is_there: bool
) -> None:
    setting.write("a.md", b"text")
    await setting.register()
    shutil.rmtree(setting.folder)
    if place_is_there:
        setting.folder.mkdir()

    [error] = await setting.fetch([setting.folder])

    assert isinstance(error, SourceUnavailable)
    assert error.retryable
    assert "missing or empty" in error.message


async def test_a_node_reads_no_file_that_it_does_not_share(
    setting: SharedFolderFixture, tmp_path: Path
) -> None:
    setting.write("a.md", b"text")
    await setting.register()

    [error] = await setting.fetch([tmp_path / "other"])

    assert isinstance(error, SourceUnavailable)
    assert "no shared folder" in error.message


@pytest.mark.parametrize(
    ("path", "shared"),
    [
        ("/mnt/notes/a.md", True),
        ("/mnt/notes/2026/a b.md", True),
        ("/mnt/notes/../keys/a.md", False),
        ("/mnt/notes/x/../../keys/a.md", False),
        ("/mnt/notes-of-others/a.md", False),
        ("/mnt", False),
        ("/opt/notes/a.md", False),
    ],
)
def test_what_is_below_a_shared_folder_is_shared(path: str, shared: bool) -> None:
    objects = Objects(shared=[Path("/srv/x"), Path("/mnt/notes/")])

    assert objects.is_shared(Path(path).as_uri()) is shared
    assert objects.is_shared("s3://mnt/notes/../a.md")
    assert not Objects().is_shared(Path(path).as_uri())
