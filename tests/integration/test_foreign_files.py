"""No command removes, overwrites or changes the mode of what it did not write."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import flame
from benchmarks.report import Report, save
from ingest.adapters.storage.state_folder import claim
from tests.integration.backup_place import Place, fill
from tests.integration.cli_system import Running, ingest, running
from tests.integration.folder_image import Image, image, put

FOREIGN = (
    "letter.txt",
    "blobs/mine.txt",
    "logs/mine.log",
    "postgres/mine.conf",
    "ray/mine.txt",
    "run/mine",
    "manifest.json",
)
"""What somebody keeps in a folder, some of it under names that ingest uses as well."""


def theirs(folder: Path, names: tuple[str, ...] = FOREIGN) -> Image:
    """Make a folder of somebody else's; what is in it."""
    for name in names:
        put(folder / name)
    folder.chmod(0o750)
    return image(folder)


@pytest.mark.parametrize(
    "command",
    [
        "up",
        "up --detach",
        "migrate",
        "migrate --down --revision base --yes",
        "keys list",
        "keys create --tenant acme",
        "limits list",
        "budget list",
        "pauses",
        "batches",
        "model show",
        "index show",
        "cancel-run backfill-1",
        "backup {out}",
        "restore {out}",
        "restore {out} --replace",
        "backfill {in}",
    ],
)
def test_a_state_folder_of_somebody_else_is_refused(command: str, tmp_path: Path) -> None:
    state, files = tmp_path / "theirs", tmp_path / "files"
    theirs(state)
    put(files / "note.md")
    before = image(tmp_path)
    words = command.format(**{"in": files, "out": tmp_path / "backup"}).split()

    outcome = ingest(*words, INGEST_STATE_DIR=str(state), INGEST_PORT="9011")

    assert (outcome.code, image(tmp_path)) == (2, before)
    assert "INGEST_STATE_DIR" in outcome.err
    assert str(state) in outcome.err


@pytest.mark.parametrize("name", FOREIGN)
def test_one_file_of_somebody_else_is_enough(name: str, tmp_path: Path) -> None:
    before = theirs(tmp_path / "theirs", (name,))

    outcome = ingest("keys", "list", INGEST_STATE_DIR=str(tmp_path / "theirs"))

    assert (outcome.code, image(tmp_path / "theirs")) == (2, before)


@pytest.mark.parametrize("command", ["backup {out}", "restore {out}", "backfill {in}"])
def test_it_is_refused_for_blobs_too_where_the_database_is_elsewhere(
    command: str, database_url: str, tmp_path: Path
) -> None:
    state, files = tmp_path / "theirs", tmp_path / "files"
    theirs(state)
    put(files / "note.md")
    before = image(tmp_path)
    words = command.format(**{"in": files, "out": tmp_path / "backup"}).split()

    outcome = ingest(*words, INGEST_STATE_DIR=str(state), INGEST_DATABASE_URL=database_url)

    assert (outcome.code, image(tmp_path)) == (2, before)
    assert "INGEST_STATE_DIR" in outcome.err


def test_doctor_says_that_the_state_folder_is_of_somebody_else(tmp_path: Path) -> None:
    before = theirs(tmp_path / "theirs")

    outcome = ingest("doctor", "--json", INGEST_STATE_DIR=str(tmp_path / "theirs"))

    [found] = [one for one in outcome.json() if one["subject"] == "state"]
    assert (outcome.code, found["level"]) == (1, "FAIL")
    assert "INGEST_STATE_DIR" in found["advice"]
    assert image(tmp_path / "theirs") == before


def test_looking_changes_nothing_in_a_folder_of_somebody_else(tmp_path: Path) -> None:
    before = theirs(tmp_path / "theirs")

    for words in (("down",), ("status",), ("jobs",), ("plan", "--docs-per-day", "10")):
        ingest(*words, INGEST_STATE_DIR=str(tmp_path / "theirs"), INGEST_PORT="9011")

    assert image(tmp_path / "theirs") == before


def test_a_state_folder_of_ours_keeps_the_files_of_others(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert ingest("migrate", INGEST_STATE_DIR=str(state)).code == 0
    names = ("letter.txt", "blobs/mine.txt", "logs/mine.log", "run/mine")
    for name in names:
        put(state / name)
    before = image(state)

    assert ingest("keys", "list", INGEST_STATE_DIR=str(state)).code == 0
    assert ingest("doctor", INGEST_STATE_DIR=str(state), INGEST_PORT="9011").code == 0

    after = image(state)
    assert {name: after[name] for name in names} == {name: before[name] for name in names}


@pytest.mark.parametrize(
    "evidence",
    ["postgres/ingest.conf", "ray-token", "ingest.pid", "logs/ingest.log", "blobs/tenants/x/raw/y"],
)
def test_a_state_folder_of_an_older_version_is_known_again(evidence: str, tmp_path: Path) -> None:
    put(tmp_path / "state" / evidence, b"")

    claim(tmp_path / "state")
    put(tmp_path / "state" / "letter.txt")
    claim(tmp_path / "state")


def test_folders_that_were_only_made_are_known_again(tmp_path: Path) -> None:
    (tmp_path / "state" / "blobs").mkdir(parents=True)

    claim(tmp_path / "state")


@pytest.fixture
def gateway(server_url: str, template_database: str, tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "gateway").mkdir()
    with running(server_url, template_database, tmp_path / "gateway") as found:
        yield found


def test_upload_changes_nothing_in_the_folder_that_it_reads(
    gateway: Running, tmp_path: Path
) -> None:
    before = theirs(tmp_path / "in", ("note.md", "deep/other.md", "unknown.bin"))

    for options in ((), ("--external-ids",)):
        outcome = ingest("upload", tmp_path / "in", *options, **gateway.tenant())
        assert outcome.code == 0, outcome.err

    assert image(tmp_path / "in") == before


@pytest.mark.parametrize(
    "command", ["estimate {in}", "backfill {in} --dry-run", "backfill --manifest {list} --dry-run"]
)
def test_counting_changes_nothing(command: str, tmp_path: Path) -> None:
    theirs(tmp_path / "in", ("note.md", "deep/other.md", "unknown.bin"))
    put(tmp_path / "in" / "list.csv", f"uri\n{(tmp_path / 'in/note.md').as_uri()}\n".encode())
    before = image(tmp_path)
    words = command.format(**{"in": tmp_path / "in", "list": tmp_path / "in" / "list.csv"}).split()

    outcome = ingest(
        *words,
        INGEST_STATE_DIR=str(tmp_path / "state"),
        INGEST_EMBEDDER="openai",
        INGEST_OPENAI_API_KEYS="sk-never-called",
    )

    assert outcome.code == 0, outcome.err
    assert image(tmp_path) == before


def test_restore_leaves_the_backup_and_the_files_beside_the_blobs_alone(
    database_url: str, tmp_path: Path
) -> None:
    place = Place(database_url, (tmp_path / "blobs").as_uri(), tmp_path / "state")
    asyncio.run(fill(place, b"first", b"second"))
    assert place.run("backup", tmp_path / "backup").code == 0
    for name in ("mine.txt", "tenants/mine.txt", "incoming/mine.txt"):
        put(tmp_path / "blobs" / name)
    (tmp_path / "blobs").chmod(0o751)
    put(tmp_path / "backup" / "notes.txt")
    before = image(tmp_path / "blobs"), image(tmp_path / "backup")

    outcome = place.run("restore", tmp_path / "backup", "--replace")

    assert outcome.code == 0, outcome.err
    after = image(tmp_path / "blobs"), image(tmp_path / "backup")
    assert after[1] == before[1]
    kept = {name: after[0].get(name) for name in before[0] if "mine" in name or name == "."}
    assert kept == {name: before[0][name] for name in kept}


def test_restore_refuses_a_database_that_holds_something(database_url: str, tmp_path: Path) -> None:
    place = Place(database_url, (tmp_path / "blobs").as_uri(), tmp_path / "state")
    asyncio.run(fill(place, b"first", b"second"))
    place.run("backup", tmp_path / "backup")
    before = image(tmp_path)

    outcome = place.run("restore", tmp_path / "backup")

    assert (outcome.code, image(tmp_path)) == (1, before)


def test_reports_of_benchmarks_overwrite_only_reports_of_the_same_benchmark(
    tmp_path: Path,
) -> None:
    report = Report("search", {}, "a scan", {"seconds": 1.0})
    put(tmp_path / "search.json", b'{"name": "search"}')
    put(tmp_path / "letter.txt")
    before = image(tmp_path)

    with pytest.raises(SystemExit, match="was not written by"):
        save(report, tmp_path)
    assert image(tmp_path) == before
    (tmp_path / "search.json").unlink()

    save(report, tmp_path)
    save(report, tmp_path)
    assert image(tmp_path)["letter.txt"] == before["letter.txt"]


def test_a_flame_graph_does_not_overwrite_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "picture.svg")
    before = image(tmp_path)
    monkeypatch.setattr("sys.argv", ["flame", "--out", str(tmp_path / "picture.svg")])

    with pytest.raises(SystemExit) as refused:
        flame.main()

    assert (refused.value.code, image(tmp_path)) == (2, before)
