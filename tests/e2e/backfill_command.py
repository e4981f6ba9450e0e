"""``ingest backfill`` as a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.corpus import mixed_corpus
from tests.ledger import Ledger

_SECONDS = 120.0


def mixed_folder(place: Path, *, files: int, seed: int) -> Path:
    """A folder of files of all kinds."""
    for filename, content, _ in mixed_corpus(files, seed=seed):
        (place / filename).parent.mkdir(parents=True, exist_ok=True)
        (place / filename).write_bytes(content)
    return place


def environment(state: Path, ledger: Ledger, **more: str) -> dict[str, str]:
    """No settings but a state folder, a database, and these."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("INGEST_")},
        "INGEST_STATE_DIR": str(state),
        "INGEST_DATABASE_URL": ledger.url,
        "INGEST_BLOB_URL": (state / "blobs").as_uri(),
        **more,
    }


def start(variables: dict[str, str], *arguments: object) -> "subprocess.Popen[str]":
    """Start one."""
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", "backfill", "--json", *map(str, arguments)],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]", *, code: int = 0) -> dict[str, Any]:
    """The summary of one that ends with this code."""
    printed, said = process.communicate(timeout=200)
    assert process.returncode == code, said
    summary: dict[str, Any] = json.loads(printed)
    return summary


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it does not come up"
        time.sleep(0.1)
