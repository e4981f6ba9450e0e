"""Backfills as people start them: by the command, interrupted, and by ``ray job submit``."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ledger import Ledger

from benchmarks.corpus import mixed_corpus
from benchmarks.running_system import free_port
from benchmarks.simulator import running_simulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
FILES = 54
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


def test_a_backfill_is_a_job_of_a_ray_cluster(folder: Path, tmp_path: Path, ledger: Ledger) -> None:
    before = ledger.states()["done"]
    with a_cluster(tmp_path, environment(tmp_path / "state", ledger)) as dashboard:
        ended = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("ray")), "job", "submit"),
                *("--address", dashboard, "--"),
                *(sys.executable, "-m", "ingest", "backfill", str(folder), "--json"),
            ],
            env={**os.environ, "RAY_AUTH_MODE": "disabled"},
            capture_output=True,
            text=True,
            timeout=300,
        )

    assert '"searchable": 54' in ended.stdout, ended.stdout + ended.stderr
    assert '"document_empty": 1' in ended.stdout
    assert ended.returncode != 0, "one object could not be taken"
    assert ledger.states() == {"done": before + FILES}
    assert ledger.faults() == []


@contextmanager
def a_cluster(folder: Path, variables: dict[str, str]) -> Iterator[str]:
    """A head node with these variables; the address of its dashboard, to which jobs are sent."""
    port, dashboard = free_port(), free_port()
    log = folder / "ray.log"
    # Not in pytest's folder: the paths of Ray's sockets must be short.
    with tempfile.TemporaryDirectory(prefix="bf-ray-") as place, log.open("wb") as out:
        head = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"),
                *("--num-cpus=4", "--object-store-memory=167772160", "--disable-usage-stats"),
                *("--node-ip-address=127.0.0.1", f"--port={port}"),
                *("--include-dashboard=true", "--dashboard-host=127.0.0.1"),
                *(f"--dashboard-port={dashboard}", f"--ray-client-server-port={free_port()}"),
                f"--dashboard-agent-listen-port={free_port()}",
                f"--temp-dir={place}",
            ],
            env={
                **variables,
                "RAY_AUTH_MODE": "disabled",
                "RAY_DATA_METADATA_PREFETCH_ON_THREAD": "0",
            },
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_for(lambda: "Ray runtime started" in log.read_text(errors="replace"))
            yield f"http://127.0.0.1:{dashboard}"
        finally:
            head.terminate()
            head.wait(60)


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it does not come up"
        time.sleep(0.1)
