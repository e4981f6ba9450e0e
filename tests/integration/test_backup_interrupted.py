"""Backups that were interrupted: the same command goes on, and nothing of them is left behind."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from ingest.adapters.postgres.backup.dump import PostgresDump
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.backup_folder import LocalBackupFolder
from ingest.app.backup.backup import take
from ingest.domain.backup import Manifest, Snapshot
from ingest.domain.identity import sha256_hex
from tests.integration.backup_place import Place, fill
from tests.integration.folder_image import put


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Place:
    place = Place(database_url, (tmp_path / "blobs").as_uri(), tmp_path / "state")
    asyncio.run(fill(place, b"first", b"second"))
    return place


class Stopped(BaseException):
    """The process ends here."""


class Stopping(PostgresDump):
    """A database that is dumped, and then the process ends."""

    async def dump(self, snapshot: Snapshot, target: Path) -> None:
        await super().dump(snapshot, target)
        raise Stopped


def interrupt(
    place: Place, folder: LocalBackupFolder, archive: type[PostgresDump] = Stopping
) -> None:
    """Take a backup that does not come to its end."""

    async def begin() -> None:
        database = Database(place.url)
        try:
            await take(archive(database), place.blobs, folder, version="0")
        finally:
            await database.close()

    with pytest.raises(Stopped):
        asyncio.run(begin())


def test_a_first_backup_that_was_interrupted_is_taken_again_and_leaves_nothing_behind(
    place: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    interrupt(place, LocalBackupFolder(folder))
    [left] = folder.glob("*.dump")

    again = place.run("backup", folder)

    assert again.code == 0, again.err
    assert not left.exists()
    assert len(list(folder.glob("*.dump"))) == 1


def test_a_backup_that_died_while_it_copied_leaves_nothing_once_it_is_taken_again(
    place: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    [second] = (tmp_path / "blobs").rglob(sha256_hex(b"second"))
    whole = second.read_bytes()
    second.write_bytes(b"torn")
    assert place.run("backup", folder).code == 1
    second.write_bytes(whole)
    mine = folder / "blobs" / "incoming" / "mine"
    put(mine)
    [attempt] = [entry for entry in mine.parent.iterdir() if entry.is_dir()]
    put(attempt / "2b7f0f3e-6d0c-4a53-9b0e-0e6a4ed9a3a1#1", b"cut off")

    assert place.run("backup", folder).code == 0

    left = [path for path in (folder / "blobs" / "incoming").rglob("*") if path.is_file()]
    assert left == [mine]


@pytest.mark.parametrize("kept", [0, 1, 10])
def test_a_folder_that_was_only_marked_is_taken(kept: int, place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    interrupt(place, LocalBackupFolder(folder))
    [mark] = folder.glob("ingest-backup*")
    begun = mark.read_bytes()[:kept]
    for path in folder.rglob("*.dump"):
        path.unlink()
    (folder / "blobs").rmdir()
    mark.write_bytes(begun)

    assert place.run("backup", folder).code == 0


def test_what_was_noted_last_may_be_torn(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    interrupt(place, LocalBackupFolder(folder))
    [mark] = folder.glob("ingest-backup*")
    with mark.open("ab") as file:
        file.write(b'{"attempt": "0123')

    assert place.run("backup", folder).code == 0
    assert place.run("backup", folder).code == 0
    assert len(list(folder.glob("*.dump"))) == 1


class Dying(LocalBackupFolder):
    """A folder whose backup has copied everything when the process ends."""

    def complete(self, manifest: Manifest) -> None:
        raise Stopped


def test_what_an_interrupted_backup_copied_goes_when_nothing_refers_to_it(
    place: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    interrupt(place, Dying(folder), PostgresDump)
    with psycopg.connect(place.url) as connection:
        connection.execute("DELETE FROM upload_pipeline.documents WHERE live_generation = 0")
    assert list(folder.rglob(sha256_hex(b"second")))

    assert place.run("backup", folder).code == 0

    assert not list(folder.rglob(sha256_hex(b"second")))


def test_a_backup_that_died_while_it_removed_goes_on_with_it(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backup"
    place.run("backup", folder)
    [old] = folder.glob("*.dump")
    with psycopg.connect(place.url) as connection:
        connection.execute("DELETE FROM upload_pipeline.documents WHERE live_generation = 0")

    def stop(*_: object, **__: object) -> None:
        raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", stop)
        interrupt(place, LocalBackupFolder(folder), PostgresDump)
    assert old.exists()
    assert list(folder.rglob(sha256_hex(b"second")))

    assert place.run("backup", folder).code == 0

    assert not old.exists()
    assert not list(folder.rglob(sha256_hex(b"second")))


def test_a_backup_of_an_older_version_goes_on(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    place.run("backup", folder)
    [mark] = folder.glob("ingest-backup*")
    mark.unlink()
    [old] = folder.glob("*.dump")

    assert place.run("backup", folder).code == 0
    assert not old.exists()
