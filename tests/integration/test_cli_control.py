"""The commands of the dead letter and of pauses."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.attempt import Settlement
from ingest.domain.errors import BudgetExhausted, DocumentEncrypted, DocumentUnreadable
from ingest.domain.identity import LOCAL_TENANT
from ingest.domain.job import JobState, WaitReason
from tests import builders
from tests.integration.cli_system import gateway, ingest, running
from tests.integration.gateway import a_settings

Result = TypeVar("Result")


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """A gateway without authentication."""
    with gateway(a_settings(database_url, tmp_path)) as started:
        yield started


def on(database_url: str, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Do something with the stores before or between commands, which have loops of their own."""

    async def run() -> Result:
        database = Database(database_url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


async def bury(database: Database, count: int = 1) -> None:
    """Bring jobs of the local tenant to the dead letter, one of them encrypted."""
    for number in range(count):
        job = await builders.a_claimed_job(database, builders.an_arrival(LOCAL_TENANT))
        error = DocumentUnreadable("torn") if number else DocumentEncrypted("needs a password")
        await JobStore(database).settle(job.lease, Settlement(JobState.DEADLETTER, error))


def test_the_dead_letter_is_listed_replayed_and_discarded(url: str, database_url: str) -> None:
    on(database_url, lambda database: bury(database, 3))

    def run(verb: str, *options: object) -> object:
        return ingest("dead-letter", verb, "--url", url, "--json", *options).json()

    listed = ingest("dead-letter", "list", "--url", url, "--class", "DocumentRejected")
    encrypted = run("list", "--code", "document_encrypted", "--newer-than", "1h")
    would = run("replay", "--dry-run")
    replayed = ingest("dead-letter", "replay", "--url", url, "--code", "document_encrypted")
    again = run("replay", "--code", "document_encrypted")
    discarded = ingest("dead-letter", "discard", "--url", url, "--text", "TORN")
    empty = ingest("dead-letter", "list", "--url", url)

    assert listed.out.count("torn") == 2
    assert "document_encrypted" in listed.out
    assert isinstance(encrypted, list)
    assert len(encrypted) == 1
    assert would == {"dry_run": True, "jobs": 3, "left": 0, "superseded": 0, "last_due_at": None}
    assert replayed.out.startswith("1 job replayed; the last starts by ")
    assert isinstance(again, dict)
    assert again["jobs"] == 0
    assert discarded.out == "2 jobs discarded\n"
    assert empty.out == "no jobs\n"


def test_more_jobs_than_one_call_takes_are_replayed_by_several(
    url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.cli.commands.dead_letter.CALL_JOBS", 2)
    on(database_url, lambda database: bury(database, 5))

    some = ingest("dead-letter", "replay", "--url", url, "--limit", 3, "--json").json()
    rest = ingest("dead-letter", "replay", "--url", url, "--json").json()

    assert (some["jobs"], some["left"]) == (3, 2)
    assert (rest["jobs"], rest["left"]) == (2, 0)


def test_discarding_everything_must_be_said(url: str) -> None:
    outcome = ingest("dead-letter", "discard", "--url", url)

    assert (outcome.code, outcome.out) == (2, "")
    assert "--all" in outcome.err
    assert ingest("dead-letter", "discard", "--url", url, "--all").out == "0 jobs discarded\n"


@pytest.mark.parametrize("age", ["2", "h", "-2h", "2y", "1e9d", ""])
def test_an_age_that_is_none_is_refused(age: str) -> None:
    outcome = ingest("dead-letter", "list", f"--older-than={age}")

    assert outcome.code == 2
    assert "--older-than must be like" in outcome.err


def test_pauses_are_made_listed_shown_and_lifted(url: str, database_url: str) -> None:
    here = {"INGEST_DATABASE_URL": database_url}
    tenant = uuid4()

    made = [
        ingest("pause", "--note", "maintenance", **here).out,
        ingest("pause", **here).out,
        ingest("pause", "--tenant", tenant, "--create-tenant", **here).out,
        ingest("pause", "--lane", "backfill", **here).out,
        ingest("pause", "--provider", "openai", **here).out,
    ]
    listed = ingest("pauses", **here)
    status = ingest("status", "--url", url)
    lifted = ingest("resume", "--tenant", tenant, "--json", **here).json()
    again = ingest("resume", "--tenant", tenant, **here)
    left = ingest("pauses", "--json", **here).json()

    assert made == [
        "Paused everything.\n",
        "There is a pause on everything already.\n",
        f"Paused tenant {tenant}.\n",
        "Paused lane backfill.\n",
        "Paused calls to openai.\n",
    ]
    assert "maintenance" in listed.out
    assert "everything, lane backfill, calls to openai, 1 tenant" in status.out
    assert lifted == {
        "kind": "tenant", "subject": str(tenant), "tenant_name": None, "changed": True
    }  # fmt: skip
    assert (again.code, again.out) == (1, "")
    assert f"there is no pause on tenant {tenant}; paused: everything and " in again.err
    assert [pause["kind"] for pause in left] == ["everything", "lane", "provider"]


@pytest.mark.parametrize("options", [
    ("--tenant", "a", "--lane", "backfill"), ("--provider", "acme"), ("--lane", "fast"),
])  # fmt: skip
def test_a_pause_of_nothing_that_exists_is_refused(
    database_url: str, options: tuple[str, ...]
) -> None:
    for command in ("pause", "resume"):
        assert ingest(command, *options, INGEST_DATABASE_URL=database_url).code == 2


async def replayed_once(database: Database) -> UUID:
    """A job that was replayed, behind three that were published."""
    for _ in range(3):
        done = await builders.a_claimed_job(database, builders.an_arrival(LOCAL_TENANT))
        await builders.publish(database, done, builders.numbered_chunks(done, 1))
    job = await builders.a_claimed_job(database, builders.an_arrival(LOCAL_TENANT))
    await JobStore(database).settle(
        job.lease, Settlement(JobState.DEADLETTER, DocumentUnreadable("torn"))
    )
    assert await JobStore(database).replay(job.lease.job_id, job.tenant_id)
    return job.lease.job_id


def test_lists_of_jobs_show_their_age(url: str, database_url: str) -> None:
    on(database_url, lambda database: bury(database, 1))
    on(database_url, lambda database: builders.execute(
        database,
        "UPDATE upload_pipeline.upload_jobs SET created_at = now() - interval '3 d 1 h',"
        " finished_at = now() - interval '150 min'",
    ))  # fmt: skip

    jobs = ingest("jobs", "--url", url)
    dead = ingest("dead-letter", "list", "--url", url)
    older = ingest("dead-letter", "list", "--url", url, "--older-than", "2h")

    assert jobs.out.splitlines()[0].split() == ["job", "age", "state", "file"]
    assert jobs.out.splitlines()[1].split()[1] == "3d"
    assert dead.out.splitlines()[0].split() == ["job", "age", "code", "file"]
    assert dead.out.splitlines()[1].split()[1] == "2h"
    assert older.out == dead.out


def test_why_names_the_pause_the_replays_and_the_time_left(url: str, database_url: str) -> None:
    job_id = on(database_url, replayed_once)
    options = ("--tenant", LOCAL_TENANT)

    ingest("pause", *options, INGEST_DATABASE_URL=database_url)
    paused = ingest("why", job_id, "--url", url)
    ingest("resume", *options, INGEST_DATABASE_URL=database_url)
    on(database_url, builders.claim)
    held = ingest("why", job_id, "--url", url)

    told = " ".join(paused.out.split())
    assert f"tenant {LOCAL_TENANT} is paused" in told
    assert f"'ingest resume --tenant {LOCAL_TENANT}'" in told
    assert "replayed 1 time" in paused.out
    assert "done in" not in paused.out
    assert "done in   about" in held.out


def test_doctor_and_status_name_stuck_jobs(url: str, database_url: str, tmp_path: Path) -> None:
    async def forget(database: Database) -> None:
        """A lease that ran out long ago while nobody rescues."""
        job = await builders.a_claimed_job(database)
        await builders.execute(
            database,
            "UPDATE upload_pipeline.upload_jobs SET leased_until = now() - interval '1 h'"
            " WHERE job_id = $1",
            job.lease.job_id,
        )

    here = {"INGEST_DATABASE_URL": database_url, "INGEST_STATE_DIR": str(tmp_path)}
    before = ingest("doctor", "--json", **here).json()
    on(database_url, forget)
    after = ingest("doctor", "--json", **here).json()
    status = ingest("status", "--url", url)

    said = [[f["text"] for f in found if f["subject"] == "jobs"] for found in (before, after)]
    assert said == [["none is stuck"], ["stuck: 1 lease"]]
    assert "1 job stuck" in status.out


def test_uploads_that_go_their_way_are_never_stuck(
    server_url: str, template_database: str, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(12):
        (files / f"{number}.txt").write_text(f"Pier {number} is closed at low water.")

    with running(server_url, template_database, tmp_path) as system:
        uploaded = ingest("upload", files, **system.tenant())
        status = ingest("status", "--json", "--url", system.url).json()

    assert uploaded.code == 0, uploaded.err
    assert (status["stuck"], status["pauses"]["everything"]) == (0, False)


def test_status_says_what_jobs_wait_for(url: str, database_url: str) -> None:
    async def wait(database: Database) -> None:
        job = await builders.a_claimed_job(database)
        waits = Settlement(
            JobState.WAITING,
            BudgetExhausted(),
            delay=timedelta(hours=1),
            wait_reason=WaitReason.BUDGET,
            wait_at_most=timedelta(days=1),
        )
        assert await JobStore(database).settle(job.lease, waits)

    on(database_url, wait)
    as_json = ingest("status", "--json", "--url", url).json()
    status = ingest("status", "--url", url)

    assert as_json["waiting"] == {"budget": 1}
    assert "1 job for a budget" in status.out
    assert "left" not in status.out.split()
