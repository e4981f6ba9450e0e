"""Some hundred files through both providers while everything goes wrong, and not a cent is lost."""

import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from benchmarks.corpus import mixed_corpus
from benchmarks.running_system import RunningSystem, free_port, running_system
from benchmarks.simulator import Simulator, running_simulator
from tests import samples
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FILES = 198
TOKENS_PER_MINUTE = 600_000
OUTAGE_SECONDS = 30
ENDED_ATTEMPTS = """
    SELECT encode(c.chunk_sha, 'hex') AS text, count(*) AS ended
    FROM upload_pipeline.document_chunks AS c
    JOIN upload_pipeline.upload_jobs AS j USING (document_id)
    JOIN upload_pipeline.events AS e USING (job_id)
    WHERE e.from_state = 'working' AND e.state NOT IN ('working', 'done')
    GROUP BY 1
"""
ERRORS = ("--error-rate", "0.05", "--seed", "11")


@dataclass(frozen=True, slots=True)
class Vendors:
    """Both providers, as simulated."""

    openai: Simulator
    llamaparse: Simulator


@pytest.fixture(scope="module")
def vendors() -> Iterator[Vendors]:
    kinds = ("500", "503", "html502", "drop_before", "drop_after", "truncated")
    faults = list(itertools.chain.from_iterable(("--fault", kind) for kind in kinds))
    quota = ("--tpm", str(TOKENS_PER_MINUTE), "--latency", "0.1")
    hooks = ("--webhook-drop", "0.3", "--webhook-duplicate", "1", "--webhook-delay", "2")
    forged = ("--webhook-forge", "--webhook-early", "--allow-loopback")
    with (
        running_simulator("openai", *ERRORS, *faults, *quota) as openai,
        running_simulator("llamaparse", *ERRORS, *faults, *hooks, *forged) as llamaparse,
    ):
        yield Vendors(openai, llamaparse)


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, ledger: Ledger, vendors: Vendors
) -> Iterator[RunningSystem]:
    port = free_port()
    with running_system(
        Path(tmp_path_factory.mktemp("system")),
        port=port,
        database_url=ledger.url,
        embedder="openai",
        openai_base_url=f"{vendors.openai.url}/v1",
        openai_api_keys="sk-of-the-test",
        openai_tokens_per_minute=TOKENS_PER_MINUTE,
        parser="llamaparse",
        llamaparse_base_url=vendors.llamaparse.url,
        llamaparse_api_keys="llx-of-the-test",
        llamaparse_requests_per_minute=1200,
        llamaparse_webhook_url=f"http://127.0.0.1:{port}",
        llamaparse_webhook_secret="whsec-of-the-test",  # noqa: S106
        llamaparse_poll_seconds=3,
    ) as running:
        yield running


def rows(ledger: Ledger, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(ledger.url, row_factory=dict_row) as connection:
        return connection.execute(query.encode()).fetchall()


def command(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ingest", *arguments],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@contextmanager
def watched(ledger: Ledger) -> Iterator[list[tuple[Decimal, Decimal]]]:
    """What is used of everybody's day, and its hard limit, many times a second."""
    seen: list[tuple[Decimal, Decimal]] = []
    over = threading.Event()
    query = b"""
        SELECT s.reserved_usd + s.spent_usd, b.hard_usd FROM upload_pipeline.spending AS s
        JOIN upload_pipeline.budgets AS b USING (tenant_id, purpose, period)
        WHERE b.purpose = 'ingestion' AND b.period = 'day'
            AND b.tenant_id = upload_pipeline.all_tenants()
    """

    def watch() -> None:
        with psycopg.connect(ledger.url, autocommit=True) as connection:
            while not over.wait(0.05):
                seen.extend(connection.execute(query).fetchall())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def wait_for(ledger: Ledger, reason: str) -> None:
    query = f"SELECT 1 FROM upload_pipeline.upload_jobs WHERE wait_reason = '{reason}'"
    deadline = time.monotonic() + 120
    while not rows(ledger, query):
        assert time.monotonic() < deadline, f"no job waits for {reason}"
        time.sleep(0.1)


def test_everything_ends_and_the_ledger_is_the_providers_own(
    system: RunningSystem, ledger: Ledger, vendors: Vendors, tmp_path: Path
) -> None:
    planted: dict[str, str] = {}
    for filename, content, sentence in mixed_corpus(FILES, seed=7):
        (tmp_path / filename).write_bytes(content)
        planted[filename] = sentence
    (tmp_path / "locked.pdf").write_bytes(samples.encrypted_pdf())
    (tmp_path / "cut.docx").write_bytes((tmp_path / "report-7-00001.docx").read_bytes()[:2000])
    (tmp_path / "failing.txt").write_text("SIM:FAIL=NO_DATA_FOUND_IN_FILE and never anything else")
    (tmp_path / "scan.pdf").write_bytes(samples.pdf(["", ""]))
    database = {"INGEST_DATABASE_URL": ledger.url, "INGEST_STATE_DIR": str(tmp_path / "state")}
    assert command("budget", "set", "--hard", "0.5", **database).returncode == 0

    with watched(ledger) as seen:
        uploaded = command("upload", str(tmp_path), "--no-wait", "--json", "--url", system.url)
        assert uploaded.returncode == 0, uploaded.stderr
        wait_for(ledger, "budget")
        vendors.openai.faults(outages=[(0, OUTAGE_SECONDS)])
        assert command("budget", "set", "--hard", "50", **database).returncode == 0
        wait_for(ledger, "provider")
        ledger.wait_until_finished(jobs=FILES + 4, seconds=400)
        time.sleep(3)  # the ledger is told of a call's end after its chunks are stored

    assert ledger.dead_letters() == {
        "locked.pdf": "document_encrypted",
        "cut.docx": "document_unreadable",
        "failing.txt": "document_empty",
    }
    assert ledger.states() == {"done": FILES + 1, "deadletter": 3}
    assert ledger.faults() == []
    assert seen
    assert all(used <= hard for used, hard in seen)
    _check_tokens(ledger, vendors.openai)
    _check_credits(ledger, vendors.llamaparse)
    _check_search(system, planted)


def _check_tokens(ledger: Ledger, openai: Simulator) -> None:
    """Every charged call is in the ledger by its id and to the token; the quota was kept."""
    ours = {
        str(row["call_id"]): row
        for row in rows(ledger, "SELECT * FROM upload_pipeline.provider_calls")
        if row["provider"] == "openai"
    }
    charged = {call["client_id"]: call["tokens"] for call in openai.calls() if call["tokens"]}
    assert charged.keys() <= ours.keys()
    assert {call: ours[call]["units"] for call in charged} == charged
    settled = {call for call, row in ours.items() if row["state"] == "settled"}
    assert settled <= charged.keys()
    assert {row["state"] for row in ours.values()} <= {"settled", "released", "unknown"}
    stats = openai.stats()
    assert stats["http_429"] == 0
    assert stats["peak_tokens_in_a_minute"] <= TOKENS_PER_MINUTE
    lost = {call for call, row in ours.items() if row["state"] == "unknown"} & charged.keys()
    broken = {call["client_id"] for call in openai.calls() if call["fault"] == "truncated"}
    _check_paid_once(ledger, openai, lost | broken)


def _check_paid_once(ledger: Ledger, openai: Simulator, lost: set[str]) -> None:
    """A text is bought again only after its answer was lost, or its attempt ended meanwhile.

    An attempt ends with one of its calls, while another may be on its way: nobody may store the
    answer of that one any more.
    """
    by_call: dict[str, list[str]] = openai.client.get("/sim/texts").json()
    bought = Counter(itertools.chain.from_iterable(by_call.values()))
    excused = Counter(itertools.chain.from_iterable(by_call.get(call, ()) for call in lost))
    excused.update({row["text"]: row["ended"] for row in rows(ledger, ENDED_ATTEMPTS)})
    assert {text for text, times in bought.items() if times - 1 > excused[text]} == set()


def _check_credits(ledger: Ledger, llamaparse: Simulator) -> None:
    """Every credit is in the ledger; no content was handed over twice."""
    calls = [
        row
        for row in rows(ledger, "SELECT * FROM upload_pipeline.provider_calls")
        if row["provider"] == "llamaparse"
    ]
    stats = llamaparse.stats()
    assert {row["state"] for row in calls} <= {"settled", "released"}
    assert sum(row["units"] for row in calls if row["state"] == "settled") == stats["credits"]
    by_job = {job["id"]: job["credits"] for job in llamaparse.client.get("/sim/jobs").json()}
    assert all(by_job[row["request_id"]] == row["units"] for row in calls if row["units"])
    assert stats["duplicate_jobs"] == 0
    assert stats["webhooks"]["dropped"] > 0
    verdicts = {
        row["verdict"] for row in rows(ledger, "SELECT verdict FROM upload_pipeline.webhook_log")
    }
    assert {"accepted", "duplicate", "forged"} <= verdicts


def _check_search(system: RunningSystem, planted: dict[str, str]) -> None:
    for filename, sentence in list(planted.items())[:9]:
        asked = {"query": sentence, "k": 5}
        answer = httpx.post(f"{system.url}/v1/search", json=asked, timeout=30)
        texts = [" ".join(hit["text"].split()) for hit in answer.json()["hits"]]
        assert any(sentence in text for text in texts), (filename, sentence, json.dumps(texts))
