"""A backfill by OpenAI's Batch API: killed, handed over, and taken in by another run."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ledger import Ledger

from benchmarks.corpus import mixed_corpus
from benchmarks.simulator import Simulator, running_simulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FILES = 40
ROWS = """
    SELECT d.filename, c.chunk_ord, c.char_start, c.char_end, c.page, c.heading_path,
        c.token_count, c.text, c.chunk_sha, c.chunker, c.embed_model, c.embed_version,
        c.vector_dim, vector_send(c.embedding) AS embedding
    FROM upload_pipeline.document_chunks AS c
    INNER JOIN upload_pipeline.documents AS d ON d.document_id = c.document_id
    INNER JOIN upload_pipeline.upload_jobs AS j ON j.document_id = d.document_id
    WHERE j.lane = %s ORDER BY d.filename, c.chunk_ord
"""
SPENT = """
    SELECT sum(units)::bigint, sum(usd) FROM upload_pipeline.provider_calls
    WHERE lane = %s AND state = 'settled'
"""


@pytest.fixture(scope="module")
def openai() -> Iterator[Simulator]:
    with running_simulator("openai", "--batch-seconds", "15") as simulator:
        yield simulator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "in"
    for filename, content, _ in mixed_corpus(FILES, seed=5):
        (place / filename).parent.mkdir(parents=True, exist_ok=True)
        (place / filename).write_bytes(content)
    return place


@pytest.fixture
def variables(tmp_path: Path, ledger: Ledger, openai: Simulator) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("INGEST_")},
        "INGEST_STATE_DIR": str(tmp_path / "state"),
        "INGEST_DATABASE_URL": ledger.url,
        "INGEST_BLOB_URL": (tmp_path / "state" / "blobs").as_uri(),
        "INGEST_EMBEDDER": "openai",
        "INGEST_OPENAI_BASE_URL": f"{openai.url}/v1",
        "INGEST_OPENAI_API_KEYS": "sk-of-the-test",
        "INGEST_OPENAI_BATCH_QUIET_SECONDS": "1",
        "INGEST_OPENAI_BATCH_POLL_SECONDS": "0.5",
        "INGEST_LEASE_SECONDS": "5",
    }


def start(folder: Path, variables: dict[str, str], *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "ingest", "backfill", str(folder), "--json", *options]
    return subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: "subprocess.Popen[str]") -> dict[str, Any]:
    printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    summary: dict[str, Any] = json.loads(printed)
    return summary


def rows(ledger: Ledger, query: str, lane: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(ledger.url) as connection:
        return connection.execute(query.encode(), (lane,)).fetchall()


def test_it_survives_its_process_and_gives_the_rows_of_the_online_lane_at_half_the_price(
    folder: Path, variables: dict[str, str], ledger: Ledger, openai: Simulator
) -> None:
    killed = start(folder, variables, "--lane", "batch")
    deadline = time.monotonic() + 60
    while not openai.stats()["requests"]:
        assert time.monotonic() < deadline, "no batch was made"
        time.sleep(0.1)
    killed.kill()
    killed.communicate()

    handed_over = ended(start(folder, variables, "--lane", "batch", "--hand-over"))
    taken_in = ended(start(folder, variables, "--lane", "batch"))
    billed = openai.stats()
    online = ended(start(folder, variables, "--tenant", "another"))

    assert handed_over["ended"] in {"handed_over", "all_done"}
    assert taken_in["ended"] == online["ended"] == "all_done"
    assert ledger.states() == {"done": 2 * FILES}
    assert ledger.faults() == []
    batched = rows(ledger, ROWS, "batch")
    assert len(batched) >= FILES
    assert batched == rows(ledger, ROWS, "backfill"), "byte for byte"
    assert billed["inputs_billed_again"] == 0
    [(tokens, usd)] = rows(ledger, SPENT, "batch")
    [(tokens_online, usd_online)] = rows(ledger, SPENT, "backfill")
    assert tokens == billed["tokens_billed"] == billed["tokens_batched"] == tokens_online
    assert usd == usd_online / 2
