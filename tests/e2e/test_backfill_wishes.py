"""What a backfill can be told: to make documents again, and to end when its money is spent."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.simulator import running_simulator
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.blob_store import open_blob_store
from ingest.domain.identity import LOCAL_TENANT, document_id, external_name
from tests.e2e.backfill_command import ended, environment, mixed_folder, start
from tests.e2e.databases import new_ledger
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
FILES = 54
GONE = "gone.md"
NOTES = {*(f"{number}.md" for number in range(6)), GONE}


@dataclass(frozen=True, slots=True)
class BackfilledNotes:
    """A folder of notes that a backfill took in."""

    folder: Path
    state: Path
    ledger: Ledger

    @property
    def variables(self) -> dict[str, str]:
        return environment(self.state, self.ledger)


@pytest.fixture(scope="module")
def notes(
    tmp_path_factory: pytest.TempPathFactory, server_url: str, template_database: str
) -> Iterator[BackfilledNotes]:
    """One backfill for the tests that begin after one."""
    place = tmp_path_factory.mktemp("notes")
    (folder := place / "in").mkdir()
    for name in NOTES:
        (folder / name).write_text(f"# Note {name}\n\n" + "The pilot boards. " * 300)
    with new_ledger(server_url, template_database, "e2e_notes") as ledger:
        made = BackfilledNotes(folder, place / "state", ledger)
        ended(start(made.variables, folder))
        yield made


def test_a_deleted_document_stays_away_until_it_is_restored(notes: BackfilledNotes) -> None:
    delete(notes.ledger.url, notes.state, notes.folder / GONE)

    kept_away = ended(start(notes.variables, notes.folder))
    left = set(notes.ledger.texts())
    restored = ended(start(notes.variables, notes.folder, "--restore-deleted"))

    assert (kept_away["deleted"], kept_away["not_taken"]) == (1, {})
    assert kept_away["unchanged"] == len(NOTES) - 1
    assert left == NOTES - {GONE}
    assert (restored["deleted"], restored["searchable"]) == (0, 1)
    assert set(notes.ledger.texts()) == NOTES


def test_documents_of_other_settings_are_made_again_while_they_are_served(
    notes: BackfilledNotes,
) -> None:
    before = {name: len(chunks) for name, chunks in notes.ledger.texts().items()}
    changed = {**notes.variables, "INGEST_CHUNK_TOKENS": "128", "INGEST_CHUNK_OVERLAP_TOKENS": "16"}

    refused, _ = start(changed, notes.folder, "--outdated").communicate(timeout=200)
    summary = ended(start(changed, "--outdated"))

    after = {name: len(chunks) for name, chunks in notes.ledger.texts().items()}
    assert before.keys() == NOTES
    assert refused == "", "objects and --outdated are two wishes"
    assert summary["objects"] == summary["registered"] == summary["searchable"] == len(NOTES)
    assert all(after[name] > 2 * before[name] for name in NOTES)
    assert notes.ledger.faults() == []


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
