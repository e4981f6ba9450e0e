"""A backfill by OpenAI's Batch API: killed, handed over, and taken in by another run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.simulator import Simulator, running_simulator
from tests.e2e.backfill_command import ended, environment, mixed_folder, start, wait_for
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FILES = 40
ROWS = """
    SELECT d.filename, c.chunk_ord, c.char_start, c.char_end, c.page, c.heading_path,
        c.token_count, c.context, c.text, c.chunk_sha, c.chunker, c.embed_model, c.embed_version,
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
def variables(tmp_path: Path, ledger: Ledger, openai: Simulator) -> dict[str, str]:
    return environment(
        tmp_path / "state",
        ledger,
        INGEST_EMBEDDER="openai",
        INGEST_OPENAI_BASE_URL=f"{openai.url}/v1",
        INGEST_OPENAI_API_KEYS="sk-of-the-test",
        INGEST_OPENAI_BATCH_QUIET_SECONDS="1",
        INGEST_OPENAI_BATCH_POLL_SECONDS="0.5",
        INGEST_LEASE_SECONDS="5",
    )


def rows(ledger: Ledger, query: str, lane: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(ledger.url) as connection:
        return connection.execute(query.encode(), (lane,)).fetchall()


def test_it_survives_its_process_and_gives_the_rows_of_the_online_lane_at_half_the_price(
    tmp_path: Path, variables: dict[str, str], ledger: Ledger, openai: Simulator
) -> None:
    folder = mixed_folder(tmp_path / "in", files=FILES, seed=5)
    killed = start(variables, folder, "--lane", "batch")
    wait_for(lambda: openai.stats()["requests"] > 0)
    killed.kill()
    killed.communicate()

    submitted = ended(start(variables, folder, "--lane", "batch", "--submit-only"))
    taken_in = ended(start(variables, folder, "--lane", "batch"))
    billed = openai.stats()
    online = ended(start(variables, folder, "--tenant", "another", "--create-tenant"))

    assert submitted["ended"] in {"submitted_all", "all_done"}
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
