"""What a backfill can be told: to make documents again, and to end when its money is spent."""

from pathlib import Path

import pytest
from e2e.backfill_command import ended, environment, mixed_folder, start
from ledger import Ledger

from benchmarks.simulator import running_simulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
FILES = 54


def test_documents_of_other_settings_are_made_again_while_they_are_served(
    tmp_path: Path, database_url: str
) -> None:
    ledger = Ledger(database_url)
    place = tmp_path / "in"
    place.mkdir()
    for number in range(6):
        (place / f"{number}.md").write_text(f"# Note {number}\n\n" + "The pilot boards. " * 300)
    variables = environment(tmp_path / "state", ledger)
    ended(start(variables, place))
    before = {name: len(chunks) for name, chunks in ledger.texts().items()}
    changed = {**variables, "INGEST_CHUNK_TOKENS": "128", "INGEST_CHUNK_OVERLAP_TOKENS": "16"}

    refused, _ = start(changed, place, "--outdated").communicate(timeout=200)
    summary = ended(start(changed, "--outdated"))

    after = {name: len(chunks) for name, chunks in ledger.texts().items()}
    assert refused == "", "objects and --outdated are two wishes"
    assert summary["objects"] == summary["registered"] == summary["searchable"] == len(before)
    assert all(after[f"{number}.md"] > 2 * before[f"{number}.md"] for number in range(6))
    assert ledger.faults() == []


def test_a_backfill_ends_when_its_money_is_spent_and_goes_on_with_more(
    tmp_path: Path, ledger: Ledger
) -> None:
    folder = mixed_folder(tmp_path / "in", files=FILES, seed=3)
    before = ledger.states()["done"]
    with running_simulator("openai", "--latency", "0.3") as openai:
        variables = environment(
            tmp_path / "state",
            ledger,
            INGEST_EMBEDDER="openai",
            INGEST_OPENAI_BASE_URL=f"{openai.url}/v1",
            INGEST_OPENAI_API_KEYS="sk-of-the-test",
            INGEST_WAVE_JOBS="4",
            INGEST_CLAIM_AHEAD_JOBS="4",
            INGEST_LEASE_SECONDS="10",
        )
        spent = ended(start(variables, folder, "--max-usd", "0.0001"), code=1)
        whole = ended(start(variables, folder))
        billed = openai.stats()["inputs_billed_again"]

    assert spent["ended"] == "money_spent"
    assert 0.0001 <= float(spent["usd"]) < 0.0005
    assert spent["unfinished"] + spent["left_over"] > 0
    assert whole["ended"] == "all_done"
    assert ledger.states()["done"] == before + FILES
    assert ledger.faults() == []
    assert billed <= 64, "no more than what was under way when the money was spent"
