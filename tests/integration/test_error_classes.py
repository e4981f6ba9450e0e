"""Classes and codes of errors mean the same in a gateway and a command of processes of their own.

Tests of one process import all errors sooner or later; a gateway and a command do not.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.attempt import Settlement
from ingest.domain.errors import IngestError, SourceGone, SourceUnavailable
from ingest.domain.identity import LOCAL_TENANT
from ingest.domain.job import JobState
from tests import builders
from tests.integration.cli_system import clean_environment

_GATEWAY = """
import sys, uvicorn
from ingest import settings
from serve.app import create_api
uvicorn.run(create_api(settings.load()), fd=int(sys.argv[1]), log_config=None)
"""


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """A gateway without authentication, in a process of its own."""
    (tmp_path / "blobs").mkdir()
    variables = clean_environment(
        INGEST_DATABASE_URL=database_url,
        INGEST_BLOB_URL=(tmp_path / "blobs").as_uri(),
        INGEST_STATE_DIR=str(tmp_path),
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-c", _GATEWAY, str(number)], env=variables, pass_fds=[number]
        )
        try:
            # The socket listens already: the request waits until the gateway takes it.
            started = f"http://127.0.0.1:{listener.getsockname()[1]}"
            httpx.get(f"{started}/healthz", timeout=60, trust_env=False).raise_for_status()
            yield started
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def dead(database_url: str) -> dict[str, str]:
    """One job in the dead letter for each code; its id."""

    async def bury() -> dict[str, str]:
        database = Database(database_url)
        try:
            gone = await _failed(database, SourceGone("it is not in its bucket"))
            away = await _failed(database, SourceUnavailable("the bucket does not answer"))
            late = await _waited_too_long(database)
        finally:
            await database.close()
        return {"source_gone": gone, "source_unavailable": away, "wait_expired": late}

    return asyncio.run(bury())


async def _failed(database: Database, error: IngestError) -> str:
    job = await builders.a_claimed_job(database, builders.an_arrival(LOCAL_TENANT))
    assert await JobStore(database).settle(job.lease, Settlement(JobState.DEADLETTER, error))
    return str(job.lease.job_id)


async def _waited_too_long(database: Database) -> str:
    job = await builders.a_claimed_job(database, builders.an_arrival(LOCAL_TENANT))
    await builders.execute(
        database,
        "UPDATE upload_pipeline.upload_jobs SET state = 'waiting', wait_reason = 'provider',"
        " wait_until = now() - interval '1 s' WHERE job_id = $1",
        job.lease.job_id,
    )
    await JobStore(database).rescue(max_rescues=3)
    return str(job.lease.job_id)


def run(url: str, *arguments: str) -> Any:
    """The JSON that a command prints, which runs in a process of its own."""
    return json.loads(printed(url, *arguments, "--json"))


def printed(url: str, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "ingest", *arguments, "--url", url],
        env=clean_environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return ended.stdout


def test_a_class_of_errors_selects_what_backfills_and_the_database_wrote(
    url: str, dead: dict[str, str]
) -> None:
    rejected = run(url, "dead-letter", "list", "--class", "DocumentRejected")
    transient = run(url, "dead-letter", "list", "--class", "TransientError")
    replayed = run(url, "dead-letter", "replay", "--class", "TransientError")
    left = run(url, "dead-letter", "list")

    assert [job["last_error"]["code"] for job in rejected] == ["source_gone"]
    assert {UUID(job["job_id"]) for job in transient} == {
        UUID(dead["source_unavailable"]),
        UUID(dead["wait_expired"]),
    }
    assert (replayed["jobs"], replayed["left"]) == (2, 0)
    assert [job["job_id"] for job in left] == [dead["source_gone"]]


def test_why_says_that_an_object_which_is_gone_is_the_fault_of_the_document(
    url: str, dead: dict[str, str]
) -> None:
    gone = " ".join(printed(url, "why", dead["source_gone"]).split())
    away = " ".join(printed(url, "why", dead["source_unavailable"]).split())

    assert "source_gone" in gone
    assert "the document is at fault" in gone
    assert "the document is at fault" not in away
