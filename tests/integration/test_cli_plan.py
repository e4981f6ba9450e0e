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
