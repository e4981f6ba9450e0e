"""Backfills that are interrupted: by a kill, by a signal, and by the loss of a node."""

import signal
from pathlib import Path

import boto3
import pytest

from benchmarks.backfill_drill import drill
from tests.e2e.backfill_command import ended, environment, mixed_folder, start, wait_for
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
FILES = 54
OBJECTS = 180


def test_a_backfill_that_is_killed_and_stopped_goes_on_and_ends(
    tmp_path: Path, ledger: Ledger
) -> None:
    folder = mixed_folder(tmp_path / "in", files=FILES, seed=3)
    (folder / "empty.txt").write_bytes(b"")
    variables = environment(tmp_path / "state", ledger)
    killed = start(variables, folder)
    wait_for(lambda: sum(ledger.states().values()) >= FILES // 3)
    killed.kill()
    killed.communicate()

    stopped = start(variables, folder)
    wait_for(lambda: ledger.states()["done"] >= 1)
    stopped.send_signal(signal.SIGINT)
    _, said = stopped.communicate(timeout=120)
    summary = ended(start(variables, folder), code=1)  # one object could not be taken

    assert "stopping" in said
    assert summary["objects"] == FILES + 1
    assert summary["registered"] + summary["there_already"] == FILES
    assert summary["not_taken"] == {"document_empty": 1}
    assert summary["unfinished"] == 0
    assert ledger.states() == {"done": FILES}
    assert ledger.faults() == []


def test_a_backfill_of_a_bucket_outlives_its_driver_and_each_node_of_the_cluster(
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

    assert course.blows.keys() == {"driver", "worker node", "head node"}
    assert (accounts.searchable, accounts.external_ids, accounts.jobs_done) == (OBJECTS,) * 3
    assert accounts.calls_that_differ == 0
    assert accounts.tokens_in_ledger == accounts.tokens_at_provider >= accounts.tokens_stored
    assert Ledger(database_url).faults() == []
