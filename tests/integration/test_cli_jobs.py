"""``ingest jobs``, ``why``, ``retry``, ``cancel``, ``delete`` and ``status``."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests import samples
from tests.integration.cli_system import (
    Running,
    clean_environment,
    gateway,
    hear_ctrl_c,
    ingest,
)
from tests.integration.gateway import a_database, a_settings


@pytest.fixture(scope="module")
def idle(
    server_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """URL of a gateway without a worker; jobs stay queued."""
    with (
        a_database(server_url, template_database) as url,
        gateway(a_settings(url, tmp_path_factory.mktemp("idle"))) as address,
    ):
        yield address


def uploaded(folder: Path, name: str, content: bytes | str, **tenant: str) -> str:
    """Upload one file; the id of its job."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    ingest("upload", path, "--no-wait", **tenant)
    found: str = ingest("jobs", "--limit", 1, "--json", **tenant).json()[0]["job_id"]
    return found


def test_jobs_are_listed_newest_first_with_whole_ids_and_reasons(
    system: Running, tmp_path: Path
) -> None:
    tenant = system.tenant()
    for name, content in (("good.txt", b"Tides."), ("torn.pdf", samples.truncated_pdf())):
        (tmp_path / name).write_bytes(content)
        ingest("upload", tmp_path / name, **tenant)

    outcome = ingest("jobs", **tenant)

    assert outcome.code == 0
    header, *lines = outcome.out.splitlines()
    first, second = " ".join(lines[:-1]).split(), lines[-1].split()
    assert header.split() == ["job", "age", "state", "file"]
    assert first[2:] == ["deadletter", "torn.pdf:", "document_unreadable"]
    assert second[2:] == ["done", "good.txt"]
    assert [len(first[0]), len(second[0])] == [36, 36]


def test_jobs_follow_pages_up_to_the_limit(idle: str, tmp_path: Path) -> None:
    for number in range(105):
        (tmp_path / f"{number}.txt").write_text(f"Paper {number} of {tmp_path}.")
    ingest("upload", tmp_path, "--no-wait", "--concurrency", 16, "--url", idle)

    found = ingest("jobs", "--limit", 103, "--json", "--url", idle).json()

    assert len({job["job_id"] for job in found}) == 103


def test_jobs_of_a_state_without_any_say_so(system: Running) -> None:
    outcome = ingest("jobs", "--state", "waiting", **system.tenant())

    assert (outcome.code, outcome.out) == (0, "no jobs in state waiting\n")


def test_why_tells_the_reason_the_history_and_the_next_step_of_a_dead_letter(
    system: Running, tmp_path: Path
) -> None:
    tenant = system.tenant()
    (tmp_path / "locked.pdf").write_bytes(samples.encrypted_pdf())
    ingest("upload", tmp_path / "locked.pdf", **tenant)
    job = ingest("jobs", "--json", **tenant).json()[0]["job_id"]

    outcome = ingest("why", job, **tenant)

    told = " ".join(outcome.out.split())
    assert outcome.code == 0
    assert "document_encrypted at stage" in told
    assert "upload a corrected file" in told
    assert max(map(len, outcome.out.splitlines())) <= 80
    events = ingest("why", job, "--json", **tenant).json()["events"]
    assert [event["state"] for event in events] == ["queued", "working", "deadletter"]


def test_why_tells_a_queued_job_what_it_waits_for(idle: str, tmp_path: Path) -> None:
    job = uploaded(tmp_path, "a.txt", f"{tmp_path} is about tides.", INGEST_URL=idle)

    outcome = ingest("why", job, "--url", idle)

    assert "no worker takes jobs at the moment" in " ".join(outcome.out.split())
    assert "start a worker" in outcome.out


def test_cancel_stops_a_queued_job_and_retry_refuses_it(idle: str, tmp_path: Path) -> None:
    job = uploaded(tmp_path, "b.txt", f"{tmp_path} is about sails.", INGEST_URL=idle)

    cancelled = ingest("cancel", job, "--url", idle)
    refused = ingest("retry", job, "--url", idle)

    assert (cancelled.code, cancelled.out) == (0, f"{job} cancelled\n")
    assert refused.code == 1
    assert refused.err.startswith("error: only a job in the dead letter can be retried")
    assert "(conflict)" in refused.err


def test_retry_sends_a_dead_letter_round_again(system: Running, tmp_path: Path) -> None:
    tenant = system.tenant()
    (tmp_path / "torn.pdf").write_bytes(samples.truncated_pdf())
    ingest("upload", tmp_path, **tenant)
    job = ingest("jobs", "--json", **tenant).json()[0]["job_id"]

    outcome = ingest("retry", job, "--json", **tenant)

    assert outcome.code == 0
    assert outcome.json()["state"] != "deadletter"


def test_a_deleted_document_is_gone(system: Running, tmp_path: Path) -> None:
    tenant = system.tenant()
    (tmp_path / "a.txt").write_text("Tides.")
    ingest("upload", tmp_path, **tenant)
    document = ingest("jobs", "--json", **tenant).json()[0]["document_id"]

    deleted = ingest("delete", document, **tenant)
    again = ingest("delete", document, **tenant)

    assert (deleted.code, deleted.out) == (0, f"{document} deleted\n")
    assert (again.code, again.err) == (1, "error: there is no such document (not_found)\n")
    assert ingest("search", "tides", "--json", **tenant).json()["hits"] == []


@pytest.mark.parametrize("command", [("jobs",), ("search", "tides"), ("why", uuid4())])
def test_without_a_key_the_option_and_the_variable_are_named(
    system: Running, command: tuple[object, ...]
) -> None:
    outcome = ingest(*command, INGEST_URL=system.url)

    assert outcome.code == 2
    assert "--key KEY" in outcome.err
    assert "INGEST_API_KEY" in outcome.err
    assert "Authorization" not in outcome.err


def test_unknown_jobs_are_an_error_of_one_line(system: Running) -> None:
    outcome = ingest("why", uuid4(), **system.tenant())

    assert (outcome.code, outcome.err) == (1, "error: there is no such job (not_found)\n")


def test_status_of_a_working_system_is_ready(system: Running, tmp_path: Path) -> None:
    tenant = system.tenant()
    (tmp_path / "a.txt").write_text("Tides.")
    ingest("upload", tmp_path, **tenant)

    text = ingest("status", **tenant)
    reading = ingest("status", "--json", **tenant).json()

    assert text.code == 0
    assert text.out.startswith(f"ready  {system.url}")
    assert "1 interactive" in text.out
    assert max(map(len, text.out.splitlines())) <= 80
    assert reading["ready"] is True
    assert reading["finished_per_second"] > 0


def test_status_without_a_worker_names_what_is_missing_and_fails(idle: str, tmp_path: Path) -> None:
    uploaded(tmp_path, "c.txt", f"{tmp_path} waits.", INGEST_URL=idle)

    outcome = ingest("status", "--url", idle)

    assert outcome.code == 1
    assert outcome.out.startswith("not ready")
    assert "no stream of lane 'interactive' is working" in outcome.out
    assert "none: nothing is processed" in outcome.out


def test_status_watch_prints_a_line_of_json_a_time_until_ctrl_c(system: Running) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ingest", "status", "--watch", "--json", "--interval", "0.5"],
        env=clean_environment(INGEST_URL=system.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )
    assert process.stdout is not None
    readings = [json.loads(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (0, "")
    assert [reading["ready"] for reading in readings] == [True, True]
