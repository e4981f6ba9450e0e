"""``ingest upload`` against a real gateway with a worker."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingest.cli.uploads import transfer
from tests import samples
from tests.integration.cli_system import (
    Faults,
    Running,
    clean_environment,
    gateway,
    hear_ctrl_c,
    ingest,
)
from tests.integration.gateway import a_settings

COMMAND = [sys.executable, "-m", "ingest"]


def a_folder(root: Path, count: int = 3) -> Path:
    folder = root / "papers"
    (folder / "more").mkdir(parents=True)
    for number in range(count):
        name = f"more/{number}.txt" if number % 2 else f"{number}.txt"
        (folder / name).write_text(f"Paper {number} of {root} is about tides.")
    return folder


def test_upload_of_a_folder_waits_until_everything_is_searchable(
    system: Running, tmp_path: Path
) -> None:
    tenant = system.tenant()

    outcome = ingest("upload", a_folder(tmp_path), "--json", **tenant)

    assert outcome.code == 0, outcome.err
    summary = outcome.json()
    assert (summary["uploaded"], summary["finished"], summary["unfinished"]) == (3, 3, 0)
    hits = ingest("search", "tides", "--json", **tenant).json()["hits"]
    assert sorted(hit["filename"] for hit in hits) == ["0.txt", "1.txt", "2.txt"]


def test_running_an_upload_again_finds_everything_there(system: Running, tmp_path: Path) -> None:
    tenant, folder = system.tenant(), a_folder(tmp_path)
    ingest("upload", folder, **tenant)

    again = ingest("upload", folder, "--json", **tenant)

    assert again.code == 0
    summary = again.json()
    assert (summary["uploaded"], summary["already_there"], summary["finished"]) == (0, 3, 3)


def test_rejected_and_dead_lettered_files_are_told_with_reasons_and_fail_the_command(
    system: Running, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path, count=1)
    (folder / "empty.txt").touch()
    (folder / "torn.pdf").write_bytes(samples.truncated_pdf())
    (folder / "song.mp3").write_bytes(samples.mp3())
    (folder / ".secret.txt").write_text("hidden")
    tenant = system.tenant()

    outcome = ingest("upload", folder, **tenant)

    assert outcome.code == 1
    told = " ".join(outcome.out.split())
    assert "1 hidden, 1 unsupported type" in told
    assert "song.mp3 (an MP3 recording)" in told
    assert ".secret.txt" in told
    assert "document_empty" in outcome.out
    assert "document_unreadable" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    job = ingest("jobs", "--state", "deadletter", "--json", **tenant).json()[0]
    assert job["job_id"] in outcome.out


def test_a_named_file_is_tried_whatever_its_extension(system: Running, tmp_path: Path) -> None:
    recording = tmp_path / "song.mp3"
    recording.write_bytes(samples.mp3())

    outcome = ingest("upload", recording, "--json", **system.tenant())

    assert outcome.code == 1
    assert outcome.json()["rejected"][0]["code"] == "unsupported_media_type"


def test_external_ids_make_a_changed_file_the_next_generation(
    system: Running, tmp_path: Path
) -> None:
    tenant, folder = system.tenant(), a_folder(tmp_path, count=2)
    ingest("upload", folder, "--external-ids", **tenant)
    (folder / "more" / "1.txt").write_text("Now it is about lighthouses.")

    changed = ingest("upload", folder, "--external-ids", "--json", **tenant)

    summary = changed.json()
    assert (summary["uploaded"], summary["already_there"], summary["finished"]) == (1, 1, 2)
    newest = ingest("jobs", "--limit", 1, "--json", **tenant).json()[0]
    assert (newest["filename"], newest["generation"]) == ("1.txt", 2)


def test_no_wait_returns_when_the_files_are_taken(database_url: str, tmp_path: Path) -> None:
    with gateway(a_settings(database_url, tmp_path)) as url:
        outcome = ingest("upload", a_folder(tmp_path), "--no-wait", "--json", "--url", url)

    assert outcome.code == 0
    assert outcome.json()["unfinished"] == 3


def test_a_busy_gateway_is_asked_again(database_url: str, tmp_path: Path) -> None:
    faults = Faults(503, 429)
    with gateway(a_settings(database_url, tmp_path), faults) as url:
        outcome = ingest("upload", a_folder(tmp_path, count=1), "--no-wait", "--json", "--url", url)

    assert outcome.code == 0
    assert outcome.json()["uploaded"] == 1
    assert faults.seen == 3


def test_a_gateway_that_stays_busy_ends_the_upload_with_advice(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "BATCH_PATIENCE_SECONDS", 0.5)
    faults = Faults(*[503] * 100)
    with gateway(a_settings(database_url, tmp_path), faults) as url:
        outcome = ingest("upload", a_folder(tmp_path), "--no-wait", "--url", url)

    assert outcome.code == 2
    assert "run the same command again to resume" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize(("verb", "what", "code"), [
    ("cancel", "job_id", "cancelled"), ("delete", "document_id", "gone")
])  # fmt: skip
def test_waiting_ends_when_somebody_cancels_the_job_or_deletes_the_document(
    database_url: str, tmp_path: Path, verb: str, what: str, code: str
) -> None:
    faults = Faults()
    with gateway(a_settings(database_url, tmp_path), faults) as url:
        folder = a_folder(tmp_path, count=1)
        ingest("upload", folder, "--no-wait", "--url", url)
        assert faults.passed.acquire(timeout=30)
        job = ingest("jobs", "--json", "--url", url).json()[0]
        waiting = subprocess.Popen(
            [*COMMAND, "upload", str(folder), "--json"],
            env=clean_environment(INGEST_URL=url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert faults.passed.acquire(timeout=30)
        ingest(verb, job[what], "--url", url)
        out, _ = waiting.communicate(timeout=30)

    assert waiting.returncode == 1
    assert [one["code"] for one in json.loads(out)["failed"]] == [code]


def test_an_upload_larger_than_the_limit_is_rejected_and_the_rest_goes_on(
    database_url: str, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path, count=2)
    (folder / "large.txt").write_bytes(b"tide " * 1_000_000)
    with gateway(a_settings(database_url, tmp_path, max_upload_bytes=1_000_000)) as url:
        outcome = ingest("upload", folder, "--no-wait", "--json", "--url", url)

    assert outcome.code == 1
    summary = outcome.json()
    assert summary["uploaded"] == 2
    assert [one["code"] for one in summary["rejected"]] == ["document_too_large"]


def test_a_large_file_is_not_held_in_memory(database_url: str, tmp_path: Path) -> None:
    with (tmp_path / "large.txt").open("wb") as large:
        for number in range(3000):
            large.write(b"%06d the tide comes in\n" % number * 1600)
    with gateway(a_settings(database_url, tmp_path)) as url:
        script = (
            "import sys; from ingest.cli import main; code = main(sys.argv[1:]); "
            "print(open('/proc/self/status').read(), file=sys.stderr); sys.exit(code)"
        )
        ended = subprocess.run(
            [sys.executable, "-c", script, "upload", str(tmp_path / "large.txt"), "--no-wait"],
            env=clean_environment(INGEST_URL=url),
            capture_output=True,
            text=True,
        )

    assert ended.returncode == 0, ended.stderr
    [peak] = [line for line in ended.stderr.splitlines() if line.startswith("VmHWM")]
    assert (tmp_path / "large.txt").stat().st_size > 110_000_000
    assert int(peak.split()[1]) < 100_000, "kilobytes"


def test_an_interrupted_upload_says_so_and_goes_on_when_it_is_run_again(
    database_url: str, tmp_path: Path
) -> None:
    stuck = threading.Event()
    folder = a_folder(tmp_path)
    with gateway(a_settings(database_url, tmp_path), Faults(stuck)) as url:
        command = [*COMMAND, "upload", str(folder), "--no-wait", "--concurrency", "1"]
        process = subprocess.Popen(
            command,
            env=clean_environment(INGEST_URL=url),
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_ctrl_c,
        )
        assert stuck.wait(30)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        again = ingest("upload", folder, "--no-wait", "--json", "--url", url)

    assert process.returncode == 130
    assert "interrupted; run the same command again to resume" in err
    assert "Traceback" not in err
    assert again.json()["uploaded"] == 3


def test_a_terminal_sees_bars_for_uploading_and_processing(system: Running, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "upload", str(a_folder(tmp_path))],
        env=clean_environment(**system.tenant()) | {"TERM": "xterm-256color"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:
        pass  # how Linux says that the other end is closed
    out, _ = process.communicate(timeout=30)
    os.close(ours)

    assert process.returncode == 0
    assert "3 new, in" in out
    assert "3/3 files" in seen.decode()
    assert "3/3 jobs" in seen.decode()


def test_files_with_impossible_names_are_rejected_without_ending_the_upload(
    system: Running, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path, count=1)
    Path(os.fsdecode(bytes(folder) + b"/caf\xe9.txt")).write_text("Latin letters.")

    outcome = ingest("upload", folder, **system.tenant())

    assert outcome.code == 1
    assert "invalid_filename" in outcome.out
    assert "1 document" in outcome.out


def test_a_wrong_key_ends_the_upload_at_once(system: Running, tmp_path: Path) -> None:
    outcome = ingest(
        "upload", a_folder(tmp_path), INGEST_URL=system.url, INGEST_API_KEY="ing_wrong"
    )

    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == (
        "error: this API key is not valid; an operator makes one with 'ingest keys create' "
        "(unauthenticated)"
    )
