"""How a person finds a pause and lifts it: ``resume``, ``why``, and an upload that waits."""

import asyncio
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from ingest.adapters.postgres.pool import Database
from ingest.domain.identity import LOCAL_TENANT, tenant_id_of
from ingest.wiring import storage
from tests import builders
from tests.integration.cli_system import Running, clean_environment, gateway, ingest, running
from tests.integration.gateway import a_settings

LANE = ("--lane", "interactive")
COMMAND = "'ingest resume --lane interactive'"


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """A gateway without authentication."""
    with gateway(a_settings(database_url, tmp_path)) as started:
        yield started


@pytest.fixture
def paused(server_url: str, template_database: str, tmp_path: Path) -> Iterator[Running]:
    """A gateway and a worker whose lane is paused."""
    with running(server_url, template_database, tmp_path) as system:
        ingest("pause", *LANE, **database_of(system))
        yield system


def database_of(system: Running) -> dict[str, str]:
    return {"INGEST_DATABASE_URL": storage.database_url(system.settings)}


async def an_accepted_job(database_url: str) -> UUID:
    database = Database(database_url)
    try:
        return (await builders.accept(database, builders.an_arrival(LOCAL_TENANT))).job_id
    finally:
        await database.close()


def uploading(system: Running, folder: Path, stderr: int) -> subprocess.Popen[str]:
    path = folder / "tides.txt"
    path.write_text(f"{folder} is about tides.")
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", "upload", str(path)],
        env=clean_environment(**system.tenant()) | {"TERM": "xterm-256color"},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def test_resuming_what_is_not_paused_lists_what_is_and_fails(database_url: str) -> None:
    here = {"INGEST_DATABASE_URL": database_url}

    nothing = ingest("resume", **here)
    ingest("pause", "--lane", "interactive", **here)
    wrong = ingest("resume", **here)
    as_json = ingest("resume", "--provider", "openai", "--json", **here)
    right = ingest("resume", "--lane", "interactive", **here)

    assert (nothing.code, nothing.err) == (
        1,
        "error: there is no pause on everything; nothing is paused\n",
    )
    assert (wrong.code, wrong.err) == (
        1,
        "error: there is no pause on everything; paused: lane interactive; "
        "to resume: 'ingest resume --lane interactive'\n",
    )
    assert as_json.code == 1
    assert as_json.json() == {"kind": "provider", "subject": "openai", "changed": False}
    assert (right.code, right.out) == (0, "Resumed lane interactive.\n")


def test_a_paused_tenant_is_called_by_its_name(database_url: str) -> None:
    here = {"INGEST_DATABASE_URL": database_url}

    paused = ingest("pause", "--tenant", "acme", "--create-tenant", **here)
    again = ingest("pause", "--tenant", tenant_id_of("acme"), **here)
    wrong = ingest("resume", **here)
    right = ingest("resume", "--tenant", tenant_id_of("acme"), **here)

    assert paused.out == "Paused tenant acme.\n"
    assert again.out == "There is a pause on tenant acme already.\n"
    assert "paused: tenant acme; to resume: 'ingest resume --tenant acme'" in wrong.err
    assert (right.code, right.out) == (0, "Resumed tenant acme.\n")


@pytest.mark.parametrize("options", [
    (), ("--lane", "interactive"), ("--tenant", LOCAL_TENANT),
])  # fmt: skip
def test_the_command_that_why_names_lifts_the_pause(
    url: str, database_url: str, options: tuple[object, ...]
) -> None:
    here = {"INGEST_DATABASE_URL": database_url}
    job = asyncio.run(an_accepted_job(database_url))
    ingest("pause", *options, **here)

    paused = ingest("why", job, "--url", url, "--json").json()
    [command] = re.findall(r"'ingest (.*?)'", paused["next"])
    lifted = ingest(*command.split(), **here)
    after = ingest("why", job, "--url", url, "--json").json()

    assert paused["job"]["waiting_for"]["reason"] == "paused"
    assert lifted.code == 0, lifted.err
    assert after["job"]["waiting_for"]["reason"] != "paused"


def test_an_upload_that_is_paused_names_the_pause_and_goes_on_after_it(
    paused: Running, tmp_path: Path
) -> None:
    waiting = uploading(paused, tmp_path, subprocess.PIPE)
    assert waiting.stderr is not None
    said = next((line for line in waiting.stderr if "paused by" in line), "")
    ingest("resume", *LANE, **database_of(paused))
    out, rest = waiting.communicate(timeout=60)

    assert said == f"paused by an operator: lane interactive; to resume: {COMMAND}\n"
    assert (waiting.returncode, "resumed" in rest) == (0, True)
    assert "1 document" in out


def test_a_terminal_sees_the_pause_above_the_bars(paused: Running, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    waiting = uploading(paused, tmp_path, theirs)
    os.close(theirs)
    seen = b""
    while b"to resume" not in seen:
        seen += os.read(ours, 65536)
    ingest("resume", *LANE, **database_of(paused))
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:
        pass  # how Linux says that the other end is closed
    out, _ = waiting.communicate(timeout=60)
    os.close(ours)

    told = " ".join(seen.decode().split())
    assert "paused by an operator: lane interactive; to resume:" in told
    assert "0/1 jobs, 1 paused" in told
    assert "1/1 jobs" in told
    assert (waiting.returncode, "1 document" in out) == (0, True)
