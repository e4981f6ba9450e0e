"""The first page of the README, as a reader would type it."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.running_system import free_port
from tests import samples

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
ROOT = Path(__file__).parents[2]


def commands(heading: str) -> list[str]:
    """The commands of the console blocks under a heading."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(f"## {heading}\n")[1]
    blocks = re.findall(r"```console\n(.*?)```", section.split("\n## ")[0], re.DOTALL)
    joined = "".join(blocks).replace("\\\n", " ")
    return [line[2:].split("   #")[0].strip() for line in joined.splitlines() if line[:2] == "$ "]


def test_five_minutes_work_as_they_are_written(tmp_path: Path) -> None:
    if not (ROOT / ".venv/bin/ingest").exists():
        pytest.skip("'make setup' was not run")
    port = str(free_port())
    report = tmp_path / "report.pdf"
    report.write_bytes(samples.pdf("Locker 40417 holds the grey ledger."))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("INGEST_")},
        "INGEST_STATE_DIR": str(tmp_path / "state"),
        "INGEST_PORT": port,
        "COLUMNS": "80",
    }
    written = commands("Five minutes")
    last = written.index("make down")
    outputs: dict[str, str] = {}
    for command in [*written[:last], *written[last + 1 :], "make down"]:
        typed = command.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        typed = typed.replace("@report.pdf", f"@{report}")
        done = subprocess.run(
            ["bash", "-c", typed],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        outputs[command] = done.stdout + done.stderr

    assert len(outputs) >= 8
    _, *answers = outputs["make demo"].split("?  (")
    expected = ["recover", "documents", "deploy", "documents"]
    expected += ["ferry timetable", "delivery note (scan)", "order for the pilot boat"]
    assert [name in answer for name, answer in zip(expected, answers, strict=True)] == [True] * 7
    assert "港湾局が発行します" in outputs["make demo"]
    [upload] = [out for command, out in outputs.items() if " upload " in command]
    assert "0 failed" in upload or "searchable" in upload
    [search] = [out for command, out in outputs.items() if " search " in command]
    assert "recover.md" in search
    [by_http] = [out for command, out in outputs.items() if "/v1/search" in command]
    assert '"hits"' in by_http


def test_an_estimate_needs_keys_but_sends_nothing(tmp_path: Path) -> None:
    if not (ROOT / ".venv/bin/ingest").exists():
        pytest.skip("'make setup' was not run")
    *exports, estimate, _ = commands("With OpenAI and LlamaParse")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("INGEST_")},
        "INGEST_STATE_DIR": str(tmp_path / "state"),
        "COLUMNS": "80",
        "HTTPS_PROXY": "http://127.0.0.1:9",  # nothing goes out
    }

    done = subprocess.run(
        ["bash", "-c", "; ".join([*exports, estimate])],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "pages" in done.stdout
    assert "$" in done.stdout
