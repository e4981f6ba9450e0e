"""What a person who runs ``ingest backfill`` in a terminal sees, and what a pipe gets."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.backfill_command import environment
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def in_a_terminal(variables: dict[str, str], *arguments: object) -> tuple[int, list[str]]:
    """Run a backfill whose output is a terminal; its exit code, and the lines that appear."""
    reader, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ingest", "backfill", *map(str, arguments)],
        env=variables,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    try:
        while part := os.read(reader, 65536):
            shown += part
    except OSError:  # Linux says so when the last writer has closed it
        pass
    os.close(reader)
    return process.wait(120), shown.decode().replace("\r\n", "\n").splitlines()


def test_a_terminal_shows_plain_english_and_right_counts(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "note.md").write_text("# Note\n\nThe pilot boards at the outer buoy.")
    (tmp_path / "empty.md").write_text("")
    manifest = tmp_path / "list.csv"
    files = [(tmp_path / name).as_uri() for name in ("note.md", "empty.md")]
    manifest.write_text("\n".join(["uri", *files, "no-uri", "nor-this", "nor-that"]))

    code, shown = in_a_terminal(
        environment(tmp_path / "state", ledger, COLUMNS="100"), "--manifest", manifest
    )

    text = "\n".join(shown)
    shown = [_STYLE.sub("", line) for line in shown]
    facts = {line[:14].strip(): line[14:].strip() for line in shown}
    assert code == 1, text
    assert not [line for line in shown if line.startswith("{")], "no JSON"
    assert "{" not in text
    assert facts["ended"] == "all jobs have ended"
    assert facts["found"] == "5 objects"
    assert facts["new"] == "1 object"
    assert facts["not taken"] == "4 objects: 3 manifest line invalid, 1 document empty"
    assert facts["searchable"] == "1 document"
    assert len([line for line in shown if line.startswith("warning: object not taken")]) == 4
