"""``ingest plan``, as a person and as a program read it."""

import json
from pathlib import Path

import pytest

from ingest.cli.app import main
from ingest.domain.capacity import Work


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_OPENAI_API_KEYS", "sk-of-the-test")


def planned(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert main(["plan", *options, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_plan_names_pools_money_and_the_bottleneck(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["plan", "--docs-per-day", "2000000", "--embedder", "openai", "--backlog", "1000000"]
    assert main(asked) == 0
    said = capsys.readouterr().out

    assert "quota: tokens" in said
    assert "gets through: a higher tier, or another key" in " ".join(said.split())
    assert "$3,840.00 a month for embedding" in said


def test_more_documents_need_more(capsys: pytest.CaptureFixture[str]) -> None:
    few = planned(capsys, "--docs-per-day", "1000", "--mix", "notes")
    many = planned(capsys, "--docs-per-day", "100000000", "--mix", "notes")

    assert (few["is_enough"], few["usd_a_month"]) == (True, "0")
    assert isinstance(few["fleet"], dict)
    assert isinstance(many["fleet"], dict)
    assert (few["fleet"]["nodes"], few["fleet"]["parse_pool"]) == (1, 1)
    assert many["fleet"]["nodes"] > 1
    assert many["fleet"]["parse_pool"] > 1


def test_samples_say_what_an_average_document_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text(f"Tide table {number}. " * 600)
    found = planned(capsys, "--docs-per-day", "10", "--mix", str(tmp_path))

    assert isinstance(found["mix"], dict)
    assert found["mix"]["chunks"] > 3
    assert found["mix"]["tokens"] > 1500


def test_own_costs_take_the_place_of_the_built_in_ones(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    slow = {f"{work}_ms_per_{per}": 500.0 for work in Work for per in ("document", "chunk", "call")}
    file = tmp_path / "capacity.json"
    file.write_text(json.dumps({"results": slow}))
    usual = planned(capsys, "--docs-per-day", "100000")
    own = planned(capsys, "--docs-per-day", "100000", "--costs", str(file))

    assert isinstance(own["fleet"], dict)
    assert isinstance(usual["fleet"], dict)
    assert own["fleet"]["nodes"] > 3 * usual["fleet"]["nodes"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--mix", "chunks=0,tokens=5"], "--mix must be like chunks=8,tokens=3200"),
        (["--mix", "pages=3"], "--mix must be like"),
        (["--mix", "/nowhere"], "/nowhere"),
        (["--embedder", "mine"], "--embedder must be"),
        (["--costs", __file__], "is not what 'python -m benchmarks.capacity' saves"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main(["plan", "--docs-per-day", "10", *options]) == 2
    assert said in capsys.readouterr().err


def said(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["plan", *options]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_an_index_that_no_memory_holds_is_a_shortage(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--docs-per-day", "1000000", "--embedder", "openai", "--cpus", "8"]
    text = said(capsys, *asked)
    found = planned(capsys, *asked)

    assert "short memory: 11 TB for the vectors' index" in text
    assert "PostgreSQL's machine is taken to have 64 GB" in text
    assert "database 48 TB after 365 days: 33 TB rows" in text
    assert (found["memory_bytes"], found["fits_memory"], found["fits_table"]) == (64e9, False, True)


def test_memory_that_is_enough_is_no_shortage(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--docs-per-day", "1000", "--mix", "notes"]
    few = said(capsys, *asked)
    little = said(capsys, *asked, "--memory", "0.1")

    assert "short" not in few
    assert "short memory: " in little
    assert "has 100 MB" in little


def test_rows_that_one_table_cannot_hold_are_a_shortage(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "--docs-per-day", "1000000", "--mix", "books", "--embedder", "openai")

    assert "short storage: " in text
    assert "one table of PostgreSQL holds 32 TB" in text


def test_figures_are_rounded_to_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    odd = said(capsys, "--docs-per-day", "5", "--mix", "chunks=1.36207,tokens=300")
    one = said(capsys, "--docs-per-day", "5000000", "--mix", "notes")

    assert "a document 1.4 chunks, 300 tokens" in odd
    assert "wanted 0.000174 documents/s" in odd
    assert "a document 1 chunk, 250 tokens" in one
    assert "wanted 174 documents/s" in one
