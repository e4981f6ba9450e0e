"""The drill: a backup in mid-ingest, everything destroyed, restored, and nothing paid twice."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.corpus import mixed_corpus
from benchmarks.running_system import RunningSystem, running_system
from benchmarks.simulator import Simulator, running_simulator
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
FILES = 84
LATER = 12
PAID_TEXTS = "SELECT count(DISTINCT chunk_sha) FROM upload_pipeline.document_chunks"


def test_a_destroyed_system_is_restored_and_pays_for_nothing_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, backup = tmp_path / "state", tmp_path / "backup"
    documents = list(mixed_corpus(FILES + LATER, seed=77))
    with running_simulator("openai", "--tpm", "1000000", "--latency", "0.6") as openai:
        with _system(state, openai) as first:
            accepted = _upload(first, documents[:FILES])
            _wait_for(lambda: _count(first, "done") >= FILES // 6)
            taken = _command(state, "backup", backup)
            _upload(first, documents[FILES:])
        shutil.rmtree(state)
        openai.reset()

        began = time.monotonic()
        restored = _command(state, "restore", backup)
        with _looking(state) as ledger:
            held, unfinished = _one(ledger, PAID_TEXTS), ledger.unfinished()
        with _system(state, openai) as second:
            seconds = time.monotonic() - began
            with _looking(state) as ledger:
                ledger.wait_until_finished(jobs=FILES, seconds=120)
                everything = _one(ledger, PAID_TEXTS)
                faults, states = ledger.faults(), ledger.states()
            stats = openai.stats()
            _planted_are_found(second, documents[:FILES:10])
            assert accepted <= _documents(second)

    assert 0 < unfinished < FILES, "the backup was not taken in mid-ingest"
    assert restored["counts"] == taken["counts"]
    assert states == {"done": FILES}
    assert faults == []
    assert stats["distinct_inputs_billed"] == everything - held
    assert stats["inputs_billed_again"] == 0
    with capsys.disabled():
        print(  # noqa: T201 a figure to report
            f"\n{unfinished} of {FILES} documents unfinished in the backup; restored in "
            f"{restored['seconds']:.1f} s, ready after {seconds:.1f} s; "
            f"{held} of {everything} texts not paid again"
        )


def _system(folder: Path, openai: Simulator) -> Any:
    return running_system(
        folder,
        wave_jobs=4,
        claim_ahead_jobs=8,
        embedder="openai",
        openai_base_url=f"{openai.url}/v1",
        openai_api_keys="sk-of-the-test",
    )


def _upload(system: RunningSystem, documents: list[tuple[str, bytes, str]]) -> set[str]:
    """Upload; returns the ids that were answered."""
    with httpx.Client(base_url=system.url, timeout=30) as client:
        answers = [
            client.post("/v1/documents", content=content, headers={"X-Filename": filename})
            for filename, content, _ in documents
        ]
    assert {answer.status_code for answer in answers} == {202}
    return {answer.json()["document_id"] for answer in answers}


def _listed(system: RunningSystem, kind: str, **query: str) -> Iterator[dict[str, Any]]:
    with httpx.Client(base_url=system.url, timeout=30) as client:
        page: str | None = ""
        while page is not None:
            cursor = {"cursor": page} if page else {}
            found = client.get(f"/v1/{kind}", params=query | cursor).json()
            yield from found[kind]
            page = found["next_cursor"]


def _count(system: RunningSystem, state: str) -> int:
    return sum(1 for _ in _listed(system, "jobs", state=state))


def _documents(system: RunningSystem) -> set[str]:
    return {document["document_id"] for document in _listed(system, "documents")}


def _planted_are_found(system: RunningSystem, documents: list[tuple[str, bytes, str]]) -> None:
    with httpx.Client(base_url=system.url, timeout=30) as client:
        for filename, _, sentence in documents:
            answer = client.post("/v1/search", json={"query": sentence, "k": 5}).json()
            assert filename in {hit["filename"] for hit in answer["hits"]}, filename


def _command(state: Path, *arguments: object) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-m", "ingest", *map(str, arguments), "--json"],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("INGEST_")},
            "INGEST_STATE_DIR": str(state),
        },
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


@contextmanager
def _looking(state: Path) -> Iterator[Ledger]:
    with EmbeddedPostgres(state) as server:
        yield Ledger(server.start())


def _one(ledger: Ledger, query: str) -> int:
    return int(str(ledger._rows(query)[0][0]))


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, "the system does not work on the upload"
        time.sleep(0.1)
