"""Killing parts of the running system with SIGKILL, while documents go through it."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from benchmarks.corpus import mixed_corpus
from benchmarks.running_system import RunningSystem
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
FILES = 120
STREAMS = "SELECT worker_id FROM upload_pipeline.workers"
VICTIMS = {
    "parse actor": "ParseActor",
    "chunk actor": "ChunkActor",
    "embed actor": "EmbedActor",
    "claim source": "ReadClaim",
    "supervisor": "_Supervisor",
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_killing_a_part_loses_and_duplicates_nothing(
    victim: str, shared_system: RunningSystem, shared_ledger: Ledger, tmp_path: Path
) -> None:
    system, ledger = shared_system, shared_ledger
    before, finished = ledger.states(), ledger.finished()
    planted = _write_files(tmp_path, seed=100 + list(VICTIMS).index(victim))
    jobs = before.total() + FILES
    uploading = subprocess.Popen(
        [
            *(sys.executable, "-m", "ingest", "upload", str(tmp_path)),
            *("--url", system.url, "--no-wait", "--json"),
        ],
        stdout=subprocess.PIPE,
    )

    _wait_for(lambda: ledger.finished() >= finished + FILES // 6)
    victims = system.processes(VICTIMS[victim])
    for process in victims:
        process.kill()
    left = jobs - ledger.finished()

    assert victims, "there was nothing to kill"
    assert left > 0, "everything was over before the kill"
    output, _ = uploading.communicate(timeout=120)
    assert uploading.returncode == 0, output
    ledger.wait_until_finished(jobs=jobs, seconds=120)
    assert ledger.states() == before + Counter(done=FILES)
    assert ledger.faults() == []
    texts = ledger.texts()
    for filename, sentence in planted.items():
        whole = " ".join(" ".join(text for _, _, text in texts[filename]).split())
        assert sentence in whole, filename


def test_a_supervisor_that_starts_while_the_storage_is_away_goes_on(
    shared_system: RunningSystem, shared_ledger: Ledger
) -> None:
    system, ledger = shared_system, shared_ledger
    before, streams = ledger.states(), len(ledger._rows(STREAMS))
    blobs = system.log.parent / "blobs"
    aside = blobs.rename(blobs.with_name("aside"))
    blobs.write_bytes(b"")  # so that the folder cannot be made again
    try:
        [supervisor] = system.processes("_Supervisor")
        supervisor.kill()
        _wait_for(lambda: len(ledger._rows(STREAMS)) > streams)
    finally:
        blobs.unlink()
        aside.rename(blobs)

    with httpx.Client(base_url=system.url, timeout=60) as client:
        upload = client.post(
            "/v1/documents", content=b"It goes on.", headers={"X-Filename": "on.txt"}
        )
    assert upload.status_code == 202, upload.text
    ledger.wait_until_finished(jobs=before.total() + 1, seconds=90)
    assert ledger.states() == before + Counter(done=1)
    assert ledger.faults() == []


def _write_files(folder: Path, *, seed: int) -> dict[str, str]:
    planted = {}
    for filename, content, sentence in mixed_corpus(FILES, seed=seed):
        (folder / filename).write_bytes(content)
        planted[filename] = sentence
    return planted


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, "the system does not work on the upload"
        time.sleep(0.02)
