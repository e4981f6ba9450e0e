"""What a backfill can be told: to make documents again, and to end when its money is spent."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.simulator import running_simulator
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.blob_store import open_blob_store
from ingest.domain.identity import LOCAL_TENANT, document_id, external_name
from tests.e2e.backfill_command import ended, environment, mixed_folder, start
from tests.ledger import Ledger

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


def test_a_deleted_document_stays_away_until_it_is_restored(tmp_path: Path, ledger: Ledger) -> None:
    place = tmp_path / "in"
    place.mkdir()
    for name in ("gone.md", "kept.md"):
        (place / name).write_text(f"# {name}\n\n" + "The pilot boards. " * 30)
    variables = environment(tmp_path / "state", ledger)
    ended(start(variables, place))
    delete(ledger.url, tmp_path / "state", place / "gone.md")

    kept_away = ended(start(variables, place))
    left = set(ledger.texts())
    restored = ended(start(variables, place, "--restore-deleted"))

    assert (kept_away["deleted"], kept_away["unchanged"], kept_away["not_taken"]) == (1, 1, {})
    assert left == {"kept.md"}
    assert (restored["deleted"], restored["searchable"]) == (0, 1)
    assert set(ledger.texts()) == {"gone.md", "kept.md"}


def delete(url: str, state: Path, path: Path) -> None:
    """Delete a document that a backfill made of a file."""

    async def act() -> None:
        database = Database(url)
        try:
            assert await DocumentStore(database).delete(
                document_id(LOCAL_TENANT, external_name(path.as_uri())),
                LOCAL_TENANT,
                remove_blob=open_blob_store((state / "blobs").as_uri()).delete,
            )
        finally:
            await database.close()

    asyncio.run(act())
