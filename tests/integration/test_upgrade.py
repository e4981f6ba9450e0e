"""Two versions at once on one database, while documents flow: expand, roll, contract."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest.adapters.postgres.admin.migrate import head
from tests.ledger import Ledger
from tests.versions import CONTRACT, EXPAND, ROOT, next_version

FILES = 40


class Version:
    """One version of the code on the database."""

    def __init__(self, code: Path, database_url: str, folder: Path) -> None:
        self._code = code
        self._environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("INGEST_")},
            "PYTHONPATH": os.pathsep.join(map(str, (code, ROOT / "tests", ROOT))),
            "INGEST_DATABASE_URL": database_url,
            "INGEST_BLOB_URL": (folder / "blobs").as_uri(),
            "INGEST_STATE_DIR": str(folder / "state"),
        }

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "ingest", *arguments],
            cwd=self._code,
            env=self._environment,
            capture_output=True,
            text=True,
        )

    @contextmanager
    def working(self) -> Iterator[httpx.Client]:
        """Its gateway; in the end it finishes what it holds."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.version_process"],
            cwd=self._code,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
                yield client
        finally:
            process.stdin.close()
            assert process.wait(60) == 0


@pytest.mark.timeout(300)
def test_nothing_is_lost_when_versions_change_while_documents_flow(
    database_url: str, tmp_path: Path
) -> None:
    ledger = Ledger(database_url)
    expanded = next_version(tmp_path / "one", "9001", head(), EXPAND)
    contracted = next_version(tmp_path / "two", "9002", "9001", CONTRACT, base=expanded)
    old, new, newest = (
        Version(code, database_url, tmp_path) for code in (ROOT, expanded, contracted)
    )
    refused = new.run("keys", "list")
    assert refused.returncode == 2
    assert "this code needs 9001" in refused.stderr

    with old.working() as gateway:
        upload(gateway, "before", FILES)
        wait_for(lambda: ledger.finished() > 0)
        assert f"from {head()} to 9001" in new.run("migrate").stdout
        assert problems(gateway) == []
        upload(gateway, "expanded", FILES)
        with new.working() as newer:
            upload(gateway, "old beside new", FILES)
            upload(newer, "new beside old", FILES)
            assert (problems(gateway), problems(newer)) == ([], [])
    with new.working() as gateway:
        upload(gateway, "rolled", FILES)
        assert "from 9001 to 9002" in newest.run("migrate").stdout
        assert problems(gateway) == []
        upload(gateway, "contracted", FILES)
        ledger.wait_until_finished(jobs=6 * FILES, seconds=120)
        builds = ledger._rows("SELECT count(*) FROM upload_pipeline.workers WHERE build = '0'")

    assert ledger.states() == {"done": 6 * FILES}
    assert ledger.faults() == []
    query = "SELECT sum(attempt_count), sum(rescue_count) FROM upload_pipeline.upload_jobs"
    assert [tuple(map(str, row)) for row in ledger._rows(query)] == [("0", "0")]
    assert builds == [(2,)], "the new version did not work with its own column"
    refused = old.run("keys", "list")
    assert refused.returncode == 2
    assert f"schema 9002, which needs code of 9001; this code has {head()}" in refused.stderr


def upload(gateway: httpx.Client, name: str, count: int) -> None:
    for number in range(count):
        text = f"# {name} {number}\n\nThe ferry {name} {number} leaves at seven."
        answer = gateway.post(
            "/v1/documents", params={"filename": f"{name}-{number}.md"}, content=text.encode()
        )
        assert answer.status_code == 202, answer.text


def problems(gateway: httpx.Client) -> Any:
    return gateway.get("/readyz").json()["problems"]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
