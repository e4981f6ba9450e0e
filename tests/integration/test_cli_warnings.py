"""Warnings on the command line: after an upload, in lists, and explained."""

import json
from pathlib import Path

import psycopg

from ingest.wiring.storage import database_url
from tests.integration.cli_system import Running, ingest

BLANK = ("page_without_text", "pages 2 to 4 hold no text")
CHART = ("part_not_read", "the chart on page 5 was not read")


def a_folder(root: Path, count: int) -> Path:
    folder = root / "papers"
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:02}.txt").write_text(f"Paper {number} of {root} is about tides.")
    return folder


def warn(system: Running, folder: Path, pattern: str, *warnings: tuple[str, str]) -> None:
    """As the parser of these files leaves it; their names end as the pattern says."""
    noted = json.dumps([{"code": code, "message": message} for code, message in warnings])
    digests = [path.read_bytes() for path in folder.glob(pattern)]
    with psycopg.connect(database_url(system.settings)) as connection:
        changed = connection.execute(
            "UPDATE upload_pipeline.documents SET parse_warnings = %s"
            " WHERE file_sha256 IN (SELECT encode(sha256(b), 'hex') FROM unnest(%s::bytea[]) b)",
            [noted, digests],
        )
    assert changed.rowcount == len(digests)


def told(text: str) -> str:
    return " ".join(text.split())


def test_an_upload_ends_with_the_documents_that_have_warnings(
    system: Running, tmp_path: Path
) -> None:
    tenant, folder = system.tenant(), a_folder(tmp_path, 3)
    silent = ingest("upload", folder, **tenant)
    warn(system, folder, "01.txt", BLANK, CHART)

    outcome = ingest("upload", folder, **tenant)
    summary = ingest("upload", folder, "--json", **tenant).json()

    assert "warning" not in silent.out
    assert outcome.code == 0, outcome.err
    shown = told(outcome.out)
    assert shown.endswith(
        "01.txt page_without_text: pages 2 to 4 hold no text"
        " part_not_read: the chart on page 5 was not read"
    )
    assert "1 document has warnings ('ingest why JOB' shows all of one):" in shown
    assert "warnings 1 document" in shown
    [warned] = summary["warnings"]
    assert warned["job_id"] in shown
    assert warned["file"] == str(folder / "01.txt")
    assert [(one["code"], one["message"]) for one in warned["warnings"]] == [BLANK, CHART]


def test_many_warnings_are_folded_unless_all_are_asked_for(system: Running, tmp_path: Path) -> None:
    tenant, folder = system.tenant(), a_folder(tmp_path, 13)
    ingest("upload", folder, **tenant)
    sheets = [("sheet_skipped", f"sheet {number} was not read") for number in range(5)]
    warn(system, folder, "*.txt", *sheets)

    folded = ingest("upload", folder, **tenant).out
    whole = ingest("upload", folder, "--verbose", **tenant).out

    assert "13 documents have warnings" in folded
    assert folded.count("sheet 2 was not read") == 10
    assert "sheet 3 was not read" not in folded
    assert folded.count("and 2 more") == 10
    assert "and 3 documents more, with 15 warnings" in folded
    assert whole.count("sheet 4 was not read") == 13


def test_jobs_are_marked_and_why_explains_each_warning(system: Running, tmp_path: Path) -> None:
    tenant, folder = system.tenant(), a_folder(tmp_path, 2)
    ingest("upload", folder, **tenant)
    sheets = [("sheet_skipped", f"sheet {number} was not read") for number in range(12)]
    warn(system, folder, "00.txt", *sheets)
    job = ingest("upload", folder, "--json", **tenant).json()["warnings"][0]["job_id"]

    listed = ingest("jobs", **tenant).out
    explained = ingest("why", job, **tenant).out

    assert "00.txt (12 warnings)" in listed
    assert "01.txt\n" in listed.replace(" ", "")
    for _, message in sheets:
        assert message in explained
    assert "read the warnings below" in told(explained)


def test_documents_are_listed_by_their_warnings(system: Running, tmp_path: Path) -> None:
    tenant, folder = system.tenant(), a_folder(tmp_path, 3)
    ingest("upload", folder, **tenant)
    none = ingest("warnings", **tenant)
    warn(system, folder, "00.txt", BLANK)
    warn(system, folder, "02.txt", CHART)

    every = ingest("warnings", "--json", **tenant).json()
    charts = ingest("warnings", "--code", "part_not_read", **tenant)
    tables = ingest("warnings", "--code", "rows_cut", **tenant)

    assert (none.code, none.out) == (0, "no warnings\n")
    assert sorted(document["filename"] for document in every) == ["00.txt", "02.txt"]
    first, second = charts.out.splitlines()
    assert first.endswith("  02.txt")
    assert told(second) == "part_not_read: the chart on page 5 was not read"
    assert tables.out == "no documents with the warning rows_cut\n"
