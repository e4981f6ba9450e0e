"""Where a backup may be put: nothing of others is removed, overwritten, or given another mode."""

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.adapters.storage.backup_folder import LocalBackupFolder
from ingest.domain.errors import FolderRefused
from ingest.domain.identity import sha256_hex
from tests.integration.backup_place import Place, fill
from tests.integration.folder_image import image, put


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Place:
    place = Place(database_url, (tmp_path / "blobs").as_uri(), tmp_path / "state")
    asyncio.run(fill(place, b"first", b"second"))
    return place


@pytest.mark.parametrize(
    "names",
    [
        ("letter.txt",),
        ("blobs/mine.txt", "manifest.json"),
        ("manifest.json",),
        ("manifest.json/of/others",),
        ("blobs/tenants/x/raw/" + "0" * 64,),
        ("database-0123456789ab.dump",),
        ("ingest-backup.ndjson",),
        ("ingest-backup.ndjson", "letter.txt"),
    ],
)
def test_a_folder_of_others_is_refused_and_stays_as_it_is(
    names: tuple[str, ...], place: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "theirs"
    for name in names:
        put(folder / name)
    folder.chmod(0o750)
    before = image(folder)

    outcome = place.run("backup", folder)

    assert (outcome.code, image(folder)) == (2, before)
    assert str(folder) in outcome.err
    assert "name an empty folder" in outcome.err


@pytest.mark.parametrize(
    "other",
    ["{}", "[]", "null", '{"format": 1}', '{"format": "x"}', '{"name": "site", "version": "1.0"}'],
)
def test_the_manifest_of_another_program_is_none_of_ours(
    other: str, place: Place, tmp_path: Path
) -> None:
    put(tmp_path / "theirs" / "manifest.json", other.encode())
    before = image(tmp_path / "theirs")

    outcome = place.run("backup", tmp_path / "theirs")

    assert (outcome.code, image(tmp_path / "theirs")) == (2, before)
    assert "unexpected" not in outcome.err


def test_a_file_in_place_of_a_folder_is_refused(place: Place, tmp_path: Path) -> None:
    put(tmp_path / "theirs")

    outcome = place.run("backup", tmp_path / "theirs")

    assert outcome.code == 2
    assert "is a file" in outcome.err


def is_the_state_folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def lies_in_the_state_folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "backups" / "monday"


def holds_the_state_folder(tmp_path: Path) -> Path:
    return tmp_path


def is_the_blob_folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def lies_in_the_blob_folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs" / "backup"


def leads_to_the_state_folder(tmp_path: Path) -> Path:
    (tmp_path / "link").symlink_to(tmp_path / "state")
    return tmp_path / "link" / "backup"


@pytest.mark.parametrize(
    "choose",
    [
        is_the_state_folder,
        lies_in_the_state_folder,
        holds_the_state_folder,
        is_the_blob_folder,
        lies_in_the_blob_folder,
        leads_to_the_state_folder,
    ],
)
def test_a_backup_lies_apart_from_what_it_saves(
    choose: Callable[[Path], Path], place: Place, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    folder = choose(tmp_path)
    before = image(tmp_path)

    outcome = place.run("backup", folder)

    assert (outcome.code, image(tmp_path)) == (2, before)
    assert "apart" in outcome.err


def test_files_of_others_in_a_backup_stay(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    assert place.run("backup", folder).code == 0
    foreign = (
        "notes.txt",
        "database-old.dump",
        "database-0123456789ab.dump",
        "manifest.json.orig",
        "manifest.json." + "0" * 32,
        "blobs/mine.txt",
        "blobs/incoming/mine.txt",
        "blobs/tenants/mine.txt",
        f"blobs/tenants/copy/raw/{sha256_hex(b'first')}",
        f"blobs/{'1' * 64}",
    )
    for name in foreign:
        put(folder / name)
    folder.chmod(0o755)
    (folder / "blobs").chmod(0o755)
    before = image(folder)
    asyncio.run(fill(place, b"third", b"fourth"))

    assert place.run("backup", folder).code == 0

    after = image(folder)
    assert {name: after[name] for name in (*foreign, ".", "blobs")} == {
        name: before[name] for name in (*foreign, ".", "blobs")
    }
    assert place.run("restore", folder, "--replace").code == 0


def test_another_file_under_the_name_of_a_blob_is_neither_taken_nor_overwritten(
    place: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    place.run("backup", folder)
    manifest = (folder / "manifest.json").read_bytes()
    asyncio.run(fill(place, b"third", b"fourth"))
    [fourth] = (tmp_path / "blobs").rglob(sha256_hex(b"fourth"))
    target = folder / "blobs" / fourth.relative_to(tmp_path / "blobs")
    put(target, b"theirs")

    refused = place.run("backup", folder)

    assert (refused.code, target.read_bytes()) == (2, b"theirs")
    assert str(target) in refused.err
    assert (folder / "manifest.json").read_bytes() == manifest
    target.unlink()
    assert place.run("backup", folder).code == 0
    assert target.read_bytes() == b"fourth"


def test_a_backup_is_private_and_an_existing_folder_keeps_its_mode(
    place: Place, tmp_path: Path
) -> None:
    new, existing = tmp_path / "new", tmp_path / "existing"
    existing.mkdir(mode=0o755)
    existing.chmod(0o755)

    for folder in (new, existing):
        assert place.run("backup", folder).code == 0

    assert stat.S_IMODE(new.stat().st_mode) == 0o700
    assert stat.S_IMODE(existing.stat().st_mode) == 0o755
    for entry in existing.iterdir():
        assert not stat.S_IMODE(entry.stat().st_mode) & 0o077, f"{entry.name} can be read by all"


def test_a_backup_of_a_newer_version_is_not_overwritten(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    place.run("backup", folder)
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_bytes()) | {"format": 99}))
    before = image(folder)

    outcome = place.run("backup", folder)

    assert (outcome.code, image(folder)) == (2, before)


@pytest.mark.parametrize("name", ["manifest.json", "manifest.json/of/others"])
def test_a_manifest_of_others_in_a_backup_that_was_interrupted_is_not_replaced(
    name: str, place: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    place.run("backup", folder)
    (folder / "manifest.json").unlink()
    put(folder / name)
    before = image(folder)

    outcome = place.run("backup", folder)

    assert (outcome.code, image(folder)) == (2, before)
    assert str(folder / "manifest.json") in outcome.err


def test_a_manifest_cannot_have_another_file_removed(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    place.run("backup", folder)
    put(folder / "notes.txt")
    manifest = folder / "manifest.json"
    fields = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps(fields | {"dump": "notes.txt"}))

    place.run("backup", folder)

    assert (folder / "notes.txt").exists()


def test_one_backup_at_a_time_goes_into_a_folder(place: Place, tmp_path: Path) -> None:
    folder = LocalBackupFolder(tmp_path / "backup")

    with folder.opened():
        second = place.run("backup", tmp_path / "backup")

    assert second.code == 1
    assert "another backup" in second.err


def test_the_error_is_typed(tmp_path: Path) -> None:
    put(tmp_path / "letter.txt")

    with pytest.raises(FolderRefused), LocalBackupFolder(tmp_path).opened():
        pass
