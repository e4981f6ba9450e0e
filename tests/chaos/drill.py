"""After the attack: the system is saved and restored elsewhere, and judged once more."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.chaos import checker
from tests.chaos.evidence import Evidence, Finding

_DATABASE = "restored"


@dataclass(frozen=True, slots=True)
class Drill:
    """How it went."""

    backup_seconds: float
    restore_seconds: float
    findings: Sequence[Finding]
    """Of the restored system; nothing, when the backup held everything."""


def save_and_restore(evidence: Evidence) -> Drill:
    """Restore a backup into a second database and a second folder, and check what is there.

    Raises:
        RuntimeError: a command failed.
    """
    second = urlsplit(evidence.url)._replace(path=f"/{_DATABASE}").geturl()
    with psycopg.connect(evidence.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_DATABASE}".encode())
    with tempfile.TemporaryDirectory(prefix="chaos-backup-") as place:
        backup, blobs, state = (Path(place) / name for name in ("backup", "blobs", "state"))
        taken = _ingest("backup", backup, url=evidence.url, blobs=evidence.blobs, state=state)
        _ingest("migrate", url=second, blobs=blobs, state=state)
        restored = _ingest("restore", backup, url=second, blobs=blobs, state=state)
        return Drill(
            backup_seconds=taken["seconds"],
            restore_seconds=restored["seconds"],
            findings=[
                replace(finding, what=f"after the restore: {finding.what}")
                for finding in checker.check(replace(evidence, url=second, blobs=blobs))
            ],
        )


def _ingest(*command: object, url: str, blobs: Path, state: Path) -> dict[str, Any]:
    settings = {
        "INGEST_DATABASE_URL": url,
        "INGEST_BLOB_URL": blobs.as_uri(),
        "INGEST_STATE_DIR": str(state),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "ingest", *map(str, command), "--json"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"ingest {command[0]} failed: {ended.stderr}")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found
