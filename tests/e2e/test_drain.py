"""Stopping the system with documents under way, and starting it again."""

import time
from pathlib import Path

import httpx
import psycopg
import pytest

from benchmarks.corpus import mixed_corpus
from benchmarks.running_system import RunningSystem, running_system
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
FILES = 150


def test_a_stop_burns_no_attempt_and_the_next_start_goes_on(tmp_path: Path, ledger: Ledger) -> None:
    with running_system(tmp_path / "a", database_url=ledger.url, wave_jobs=8) as first:
        _upload(first)
        _wait_until_some_are_done(ledger)

    after_stop = ledger.states()
    assert after_stop["working"] == 0
    assert after_stop["done"] + after_stop["queued"] == FILES
    assert _burned(ledger.url) == (0, 0)
    assert "stopped" in first.log.read_text()
    assert not first.process.is_running()

    blobs = (tmp_path / "a" / "blobs").as_uri()
    with running_system(tmp_path / "b", database_url=ledger.url, blob_url=blobs, low_latency=False):
        ledger.wait_until_finished(jobs=FILES, seconds=90)

    assert ledger.states() == {"done": FILES}
    assert ledger.faults() == []


def _upload(system: RunningSystem) -> None:
    with httpx.Client(base_url=system.url, timeout=30) as client:
        for filename, content, _ in mixed_corpus(FILES, seed=31):
            answer = client.post("/v1/documents", content=content, headers={"X-Filename": filename})
            assert answer.status_code == 202, answer.text


def _wait_until_some_are_done(ledger: Ledger) -> None:
    deadline = time.monotonic() + 60
    while ledger.finished() < FILES // 10:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _burned(url: str) -> tuple[int, int]:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT sum(attempt_count)::int, sum(rescue_count)::int "
            "FROM upload_pipeline.upload_jobs"
        ).fetchone()
    assert row is not None
    return row[0], row[1]
