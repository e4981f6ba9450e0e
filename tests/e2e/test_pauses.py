"""Pausing and resuming a running system, and what it removes by itself."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.running_system import RunningSystem, running_system
from benchmarks.simulator import Simulator, running_simulator
from ingest.cluster.actors import NICENESS
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def openai() -> Iterator[Simulator]:
    with running_simulator("openai") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def abandoned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bytes of an upload that was cut off two days ago."""
    folder = tmp_path_factory.mktemp("system")
    path = folder / "blobs" / "tenants" / "t" / "incoming" / "1"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half of it")
    os.utime(path, (time.time() - 2 * 86_400,) * 2)
    return path


@pytest.fixture(scope="module")
def system(abandoned: Path, ledger: Ledger, openai: Simulator) -> Iterator[RunningSystem]:
    with running_system(
        abandoned.parents[4],
        database_url=ledger.url,
        embedder="openai",
        openai_base_url=f"{openai.url}/v1",
        openai_api_keys="sk-of-the-test",
        rescue_interval_seconds=0.5,
    ) as running:
        yield running


@pytest.fixture
def client(system: RunningSystem) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.url, timeout=30) as opened:
        yield opened


def operate(ledger: Ledger, *arguments: str) -> None:
    """Run a command of the operator's."""
    environment = os.environ | {"INGEST_DATABASE_URL": ledger.url}
    subprocess.run([sys.executable, "-m", "ingest", *arguments], env=environment, check=True)


def upload(client: httpx.Client, content: bytes) -> str:
    answer = client.post("/v1/documents", content=content, headers={"X-Filename": "note.txt"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def until(client: httpx.Client, job_id: str, **facts: object) -> dict[str, Any]:
    """The job, once it is as it should become."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
        seen = job | (job["waiting_for"] or {"reason": None})
        if all(seen[name] == value for name, value in facts.items()):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.1)


def stuck(client: httpx.Client) -> dict[str, float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        sample.labels["kind"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "ingest_stuck_jobs"
    }


def test_a_paused_system_takes_uploads_and_works_on_them_once_it_is_resumed(
    client: httpx.Client, ledger: Ledger
) -> None:
    operate(ledger, "pause")
    job_id = upload(client, b"The ferry leaves at seven.")
    paused = until(client, job_id, state="queued", reason="paused")
    time.sleep(2)
    still = until(client, job_id, state="queued", reason="paused")

    operate(ledger, "resume")
    done = until(client, job_id, state="done")

    assert paused["waiting_for"]["paused_by"] == ["everything"]
    assert still["stage"] == "queued"
    assert done["attempt"] == 1
    assert set(stuck(client).values()) == {0.0}


def test_jobs_wait_for_a_paused_provider_by_name_and_go_on_with_it(
    client: httpx.Client, ledger: Ledger, openai: Simulator
) -> None:
    question = {"query": "When does the ferry leave?"}
    operate(ledger, "pause", "--provider", "openai")
    job_id = upload(client, b"The last ferry leaves at nine.")
    waiting = until(client, job_id, state="waiting", reason="paused")
    refused = client.post("/v1/search", json=question)
    calls = len(openai.calls())
    status = client.get("/readyz")

    operate(ledger, "resume", "--provider", "openai")
    done = until(client, job_id, state="done")

    assert waiting["waiting_for"]["paused_by"] == ["provider openai"]
    assert (refused.status_code, refused.json()["code"]) == (503, "paused")
    assert int(refused.headers["retry-after"]) > 0
    assert (status.status_code, status.json()["pauses"]["providers"]) == (200, ["openai"])
    assert len(openai.calls()) > calls
    assert done["attempt"] == 1
    assert client.post("/v1/search", json=question).status_code == 200
    assert set(stuck(client).values()) == {0.0}
    assert ledger.faults() == []


def test_what_a_cut_upload_left_is_removed(system: RunningSystem, abandoned: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while abandoned.exists():
        assert time.monotonic() < deadline, system.log.read_text()[-2000:]
        time.sleep(0.1)


def test_stages_leave_the_cpu_to_the_gateway_where_there_is_not_enough(
    system: RunningSystem,
) -> None:
    gateways = [
        os.getpriority(os.PRIO_PROCESS, thread)
        for process in system.processes("ServeReplica")
        for thread in (thread.id for thread in process.threads())
    ]
    stages = [
        os.getpriority(os.PRIO_PROCESS, thread.id)
        for name in ("ParseActor", "ChunkActor", "EmbedActor", "parsers.local.child")
        for process in system.processes(name)
        for thread in process.threads()
    ]

    assert gateways
    assert min(stages) >= max(gateways) + NICENESS
