"""Backfills as people start them: by the command, interrupted, and by ``ray job submit``."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from ledger import Ledger

from benchmarks.backfill_drill import drill
from benchmarks.corpus import mixed_corpus
from benchmarks.simulator import running_simulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
FILES = 54
OBJECTS = 240
_START_SECONDS = 120.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Mixed files, and one that is nothing."""
    place = tmp_path / "in"
    for filename, content, _ in mixed_corpus(FILES, seed=3):
        (place / filename).parent.mkdir(parents=True, exist_ok=True)
        (place / filename).write_bytes(content)
    (place / "empty.txt").write_bytes(b"")
    return place


def environment(state: Path, ledger: Ledger, **more: str) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("INGEST_")},
        "INGEST_STATE_DIR": str(state),
        "INGEST_DATABASE_URL": ledger.url,
        "INGEST_BLOB_URL": (state / "blobs").as_uri(),
        **more,
    }


def start(folder: Path, variables: dict[str, str], *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", "backfill", str(folder), "--json", *options],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_backfill_that_is_killed_and_stopped_goes_on_and_ends(
    folder: Path, tmp_path: Path, ledger: Ledger
) -> None:
    variables = environment(tmp_path / "state", ledger)
    killed = start(folder, variables)
    _wait_for(lambda: sum(ledger.states().values()) >= FILES // 3)
    killed.kill()
    killed.communicate()

    stopped = start(folder, variables)
    _wait_for(lambda: ledger.states()["done"] >= 1)
    stopped.send_signal(signal.SIGINT)
    _, said = stopped.communicate(timeout=120)
    ended = start(folder, variables)
    printed, _ = ended.communicate(timeout=200)

    assert "stopping" in said
    summary = json.loads(printed)
    assert ended.returncode == 1, "one object could not be taken"
    assert summary["objects"] == FILES + 1
    assert summary["registered"] + summary["there_already"] == FILES
    assert summary["not_taken"] == {"document_empty": 1}
    assert summary["unfinished"] == 0
    assert ledger.states() == {"done": FILES}
    assert ledger.faults() == []


def test_documents_of_other_settings_are_made_again_while_they_are_served(
    tmp_path: Path, database_url: str
) -> None:
    ledger = Ledger(database_url)
    place = tmp_path / "in"
    place.mkdir()
    for number in range(6):
        (place / f"{number}.md").write_text(f"# Note {number}\n\n" + "The pilot boards. " * 300)
    variables = environment(tmp_path / "state", ledger)
    start(place, variables).communicate(timeout=200)
    before = {name: len(chunks) for name, chunks in ledger.texts().items()}
    changed = {**variables, "INGEST_CHUNK_TOKENS": "128", "INGEST_CHUNK_OVERLAP_TOKENS": "16"}

    printed, _ = start(place, changed, "--outdated").communicate(timeout=200)
    refused = json.loads(printed or "{}")
    ended = subprocess.run(
        [sys.executable, "-m", "ingest", "backfill", "--outdated", "--json"],
        env=changed,
        capture_output=True,
        text=True,
        timeout=200,
    )

    summary = json.loads(ended.stdout)
    after = {name: len(chunks) for name, chunks in ledger.texts().items()}
    assert refused == {}, "objects and --outdated are two wishes"
    assert ended.returncode == 0, ended.stderr
    assert summary["objects"] == summary["registered"] == summary["searchable"] == len(before)
    assert all(after[f"{number}.md"] > 2 * before[f"{number}.md"] for number in range(6))
    assert ledger.faults() == []


def test_a_backfill_ends_when_its_money_is_spent_and_goes_on_with_more(
    folder: Path, tmp_path: Path, ledger: Ledger
) -> None:
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
        printed, _ = start(folder, variables, "--max-usd", "0.0001").communicate(timeout=200)
        spent = json.loads(printed)
        printed, _ = start(folder, variables).communicate(timeout=200)
        ended = json.loads(printed)
        billed = openai.stats()["inputs_billed_again"]

    assert spent["ended"] == "money_spent"
    assert 0.0001 <= float(spent["usd"]) < 0.0005
    assert spent["unfinished"] + spent["left_over"] > 0
    assert ended["ended"] == "all_done"
    assert ledger.states()["done"] == before + FILES
    assert ledger.faults() == []
    assert billed <= 64, "no more than what was under way when the money was spent"


def test_a_backfill_of_a_bucket_outlives_its_driver_and_a_node_of_the_cluster(
    s3: str, database_url: str
) -> None:
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    client.create_bucket(Bucket="notes")
    for number in range(OBJECTS):
        text = f"# Note {number}\n\nIt is of ship {number}.".encode()
        client.put_object(Bucket="notes", Key=f"{number}.md", Body=text)
    variables = {
        "INGEST_BLOB_ENDPOINT": s3,
        "INGEST_BATCH_ITEMS": "4",
        "INGEST_LEASE_SECONDS": "4",
        "INGEST_RESCUE_INTERVAL_SECONDS": "1",
    }

    course, accounts = drill(database_url, "s3://notes", OBJECTS, variables, latency=1.0)

    assert course.blows.keys() == {"driver", "worker node"}
    assert (accounts.searchable, accounts.external_ids, accounts.jobs_done) == (OBJECTS,) * 3
    assert accounts.calls_that_differ == 0
    assert accounts.tokens_in_ledger == accounts.tokens_at_provider >= accounts.tokens_stored
    assert Ledger(database_url).faults() == []


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it does not come up"
        time.sleep(0.1)
