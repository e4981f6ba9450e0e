"""What ``ingest upload`` calls documents, what it replaces, and what it says of files."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import samples
from tests.integration.cli_system import Outcome, gateway, ingest
from tests.integration.gateway import a_settings


@pytest.fixture
def url(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway without a worker."""
    with gateway(a_settings(database_url, tmp_path_factory.mktemp("system"))) as address:
        yield address


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two departments with a file of the same name, and the current folder above both."""
    for name in ("hr", "it"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(f"How {name} works.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def upload(url: str, *arguments: object) -> Outcome:
    return ingest("upload", *arguments, "--no-wait", "--url", url)


def words(outcome: Outcome) -> str:
    return " ".join(outcome.out.split())


def newest_jobs(url: str) -> list[tuple[str, int]]:
    jobs = ingest("jobs", "--json", "--url", url).json()
    return [(job["document_id"], job["generation"]) for job in jobs]


def test_a_file_that_replaces_another_ones_document_is_told_by_both_paths(
    url: str, company: Path
) -> None:
    upload(url, "hr", "--external-ids")

    outcome = upload(url, "it", "--external-ids")

    assert outcome.code == 0
    assert "replaced 1 document (1 of them by a file from another path)" in words(outcome)
    assert (
        "'it/README.md' replaces document 'README.md', uploaded as 'hr/README.md' (generation 1)"
    ) in words(outcome)


def test_the_current_folder_does_not_hide_that_another_file_is_replaced(
    url: str, company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(company / "hr")
    upload(url, "README.md", "--external-ids")
    monkeypatch.chdir(company / "it")

    [replaced] = upload(url, ".", "--external-ids", "--json").json()["replaced"]

    assert replaced == {
        "file": "README.md",
        "external_id": "README.md",
        "uploaded_as": str(company / "hr" / "README.md"),
        "generation": 1,
        "from_elsewhere": True,
    }


def test_a_changed_file_replaces_itself_without_a_warning(url: str, company: Path) -> None:
    upload(url, "hr", "--external-ids")
    (company / "hr" / "README.md").write_text("It works otherwise now.")

    outcome = upload(url, company / "hr" / "README.md", "--external-ids")

    assert "replaced 1 document" in words(outcome)
    assert "another path" not in words(outcome)


def test_with_a_root_the_same_file_is_the_same_document_whichever_folder_is_named(
    url: str, company: Path
) -> None:
    first = upload(url, "hr", "it", "--root", ".", "--json").json()

    again = [
        upload(url, *arguments, "--json").json()
        for arguments in (("it", "--root", company), (".", "--external-ids"), (".", "--root", "."))
    ]

    assert first["uploaded"] == 2
    assert [(one["uploaded"], one["already_there"]) for one in again] == [(0, 1), (0, 2), (0, 2)]


def test_a_prefix_keeps_documents_of_the_same_path_apart(url: str, company: Path) -> None:
    upload(url, "hr", "--external-id-prefix", "hr/")

    other = upload(url, "it", "--external-id-prefix", "it/", "--json").json()

    assert (other["uploaded"], other["replaced"]) == (1, [])
    assert upload(url, ".", "--external-ids", "--json").json()["already_there"] == 2


def test_a_file_outside_the_root_ends_the_command_before_anything_is_sent(
    url: str, company: Path
) -> None:
    outcome = upload(url, "hr", "it", "--root", "hr")

    assert outcome.code == 2
    assert "'it/README.md' is outside --root 'hr'" in outcome.err
    assert newest_jobs(url) == []


def test_without_replacing_the_file_is_refused_with_the_reason_and_the_rest_goes_on(
    url: str, company: Path
) -> None:
    upload(url, "hr", "--external-ids")
    before = newest_jobs(url)
    (company / "it" / "more.md").write_text("Something else.")

    outcome = upload(url, "it", "--external-ids", "--no-replace", "--json")
    shown = upload(url, "it", "--external-ids", "--no-replace")

    assert (outcome.code, shown.code) == (1, 1)
    summary = outcome.json()
    assert (summary["uploaded"], summary["replaced"]) == (1, [])
    [refused] = summary["rejected"]
    assert (refused["file"], refused["code"]) == ("it/README.md", "document_exists")
    assert str(company / "hr" / "README.md") in refused["detail"]
    assert "rejected 1 file" in words(shown)
    assert "document_exists" in shown.out
    assert newest_jobs(url)[1:] == before


def test_a_folder_takes_exactly_what_the_gateway_takes(url: str, tmp_path: Path) -> None:
    taken = {
        "data.csv": b"name;age\nAda;36\n",
        "data.json": b'{"name": "Ada"}',
        "server.log": b"2024-01-01 started\n",
        "page.xhtml": b"<html><body>Hello</body></html>",
        "report": samples.pdf(["One page."]),
        "letter": samples.docx("A word of thanks."),
    }
    refused = {
        "old.doc": samples.legacy_doc(),
        "song.mp3": samples.mp3(),
        "notes.gz": b"\x1f\x8b\x08\0\0\0\0\0\0\3",
        "nothing": b"",
    }
    for name, content in (taken | refused).items():
        (tmp_path / name).write_bytes(content)

    folder = upload(url, tmp_path, "--json").json()
    named = upload(url, *(tmp_path / name for name in refused), "--json").json()

    assert (folder["uploaded"], folder["rejected"]) == (len(taken), [])
    assert {Path(one["file"]).name for one in folder["skipped_files"]} == set(refused)
    assert (named["uploaded"], len(named["rejected"])) == (0, len(refused))


def test_skipped_files_are_named_some_of_each_reason_and_all_when_asked(
    url: str, tmp_path: Path
) -> None:
    for number in range(5):
        (tmp_path / f"{number}.mp3").write_bytes(samples.mp3())
    (tmp_path / "note.txt").write_text("A note.")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")

    few, all_named = upload(url, tmp_path), upload(url, tmp_path, "--verbose")

    assert "skipped 5 unsupported type, 1 unreadable" in words(few)
    assert "2.mp3 (an MP3 recording) and 2 more" in words(few)
    assert "gone.txt (No such file or directory)" in words(few)
    assert "3.mp3" not in few.out
    assert all(f"{number}.mp3 (an MP3 recording)" in words(all_named) for number in range(5))


def test_a_folder_of_which_nothing_is_read_names_what_it_holds(url: str, tmp_path: Path) -> None:
    (tmp_path / "0.mp3").write_bytes(samples.mp3())

    outcome = upload(url, tmp_path)

    assert outcome.code == 2
    assert f"1 unsupported type: {tmp_path}/0.mp3 (an MP3 recording)" in outcome.err


def test_the_summary_tells_new_files_from_those_that_are_there(url: str, company: Path) -> None:
    first, again = upload(url, "hr", "it"), upload(url, "hr", "it")

    assert re.search(r"files +2 new, in [0-9.]+ s \(\d+ B sent, [0-9.]+ files/s\)", first.out)
    assert re.search(r"files +0 new, 2 already there, in [0-9.]+ s \(\d+ B sent", again.out)
    assert "uploaded 0 files" not in words(again)
