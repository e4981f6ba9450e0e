"""What nothing needs any more goes after its time; what something needs stays, however old."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import boto3
import pytest

from ingest.adapters.postgres.jobs.dead_letter_store import DeadLetterStore
from ingest.adapters.postgres.jobs.event_store import EventStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.retention_store import RetentionStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.blob_store import open_blob_store
from ingest.app.maintenance.prune import Pruner
from ingest.domain.attempt import Settlement
from ingest.domain.dead_letter import DeadLetterQuery
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.job import ClaimedJob, JobState
from ingest.domain.retention import Retention
from tests import builders

DAY = timedelta(days=1)
KEEP = Retention(
    events=10 * DAY, failed_events=100 * DAY, webhooks=10 * DAY, failed_parses=10 * DAY,
    incoming=DAY,
)  # fmt: skip


async def sweep(database: Database, folder: Path, keep: Retention = KEEP) -> dict[str, int]:
    blobs = open_blob_store((folder / "blobs").as_uri())
    return await Pruner(RetentionStore(database), blobs, keep).sweep()


async def age(database: Database, job_id: UUID, days: int) -> None:
    """Let a job, and all that happened to it, be so many days older."""
    for change in (
        "upload_jobs SET finished_at = finished_at - $2::interval,"
        " run_after = run_after - $2::interval",
        "events SET at = at - $2::interval",
    ):
        await builders.execute(
            database, f"UPDATE upload_pipeline.{change} WHERE job_id = $1", job_id, days * DAY
        )


async def history(database: Database, job: ClaimedJob) -> int:
    return len(await EventStore(database).list_after(job.lease.job_id, job.tenant_id))


async def published(database: Database) -> ClaimedJob:
    job = await builders.a_claimed_job(database)
    await builders.publish(database, job, builders.numbered_chunks(job, 1))
    return job


async def dead(database: Database) -> ClaimedJob:
    job = await builders.a_claimed_job(database)
    await JobStore(database).settle(
        job.lease, Settlement(JobState.DEADLETTER, DocumentUnreadable("torn"))
    )
    return job


async def cancelled(database: Database) -> ClaimedJob:
    job = await builders.a_claimed_job(database)
    await JobStore(database).cancel(job.lease.job_id, job.tenant_id)
    return job


async def test_events_go_some_time_after_their_job_ended(
    database: Database, tmp_path: Path
) -> None:
    makers = {"done": published, "dead": dead, "cancelled": cancelled}
    jobs = {
        (kind, days): await make(database) for kind, make in makers.items() for days in (5, 50, 500)
    }
    for (_, days), job in jobs.items():
        await age(database, job.lease.job_id, days)
    before = {key: await history(database, job) for key, job in jobs.items()}

    removed = await sweep(database, tmp_path)

    after = {key: await history(database, job) for key, job in jobs.items()}
    gone = {("done", 50), ("done", 500), ("dead", 500), ("cancelled", 500)}
    assert {key for key, count in after.items() if count == 0} == gone
    assert {after[key] - before[key] for key in jobs.keys() - gone} == {0}
    assert removed["events"] == sum(before[key] for key in gone)
    assert (await sweep(database, tmp_path))["events"] == 0


async def test_a_job_that_has_not_ended_keeps_its_whole_history(
    database: Database, tmp_path: Path
) -> None:
    held = await builders.a_claimed_job(database)
    replayed = await dead(database)
    await age(database, replayed.lease.job_id, 5000)
    await DeadLetterStore(database).replay(
        replayed.tenant_id, DeadLetterQuery(), limit=1, apart=timedelta(hours=1)
    )
    await builders.execute(
        database, "UPDATE upload_pipeline.events SET at = at - $1::interval", 5000 * DAY
    )
    before = [await history(database, job) for job in (held, replayed)]

    removed = await sweep(database, tmp_path)

    assert removed["events"] == 0
    assert [await history(database, job) for job in (held, replayed)] == before


async def test_events_of_deleted_documents_go(database: Database, tmp_path: Path) -> None:
    jobs = [await published(database) for _ in range(2)]
    await age(database, jobs[0].lease.job_id, 50)
    await builders.execute(database, "DELETE FROM upload_pipeline.documents")

    await sweep(database, tmp_path)

    assert [await history(database, job) > 0 for job in jobs] == [False, True]


async def test_a_sweep_goes_on_behind_events_that_stay(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.app.maintenance.prune.BATCH", 3)
    await builders.a_claimed_job(database)
    old = [await published(database) for _ in range(4)]
    young = await published(database)
    await builders.execute(
        database, "UPDATE upload_pipeline.events SET at = at - $1::interval", 50 * DAY
    )
    for job in old:
        await age(database, job.lease.job_id, 50)

    await sweep(database, tmp_path)

    assert [await history(database, job) for job in old] == [0] * 4
    assert await history(database, young) > 0


async def a_parse(database: Database, status: str, days: int, **columns: str) -> UUID:
    """A parse that began and ended so long ago."""
    given = {
        "failed": {"error_code": "parse_invalid"},
        "completed": {"parsed_key": "k", "parsed_sha256": "d"},
        "submitted": {"provider_job_id": uuid4().hex, "key_fingerprint": "f"},
    }[status] | columns
    names, values = ", ".join(given), [*given.values()]
    places = ", ".join(f"${number}" for number in range(6, 6 + len(values)))
    parse_job_id = uuid4()
    await builders.execute(
        database,
        "INSERT INTO upload_pipeline.parse_jobs (parse_job_id, tenant_id, file_sha256, parser,"
        " token_sha256, status, deadline, poll_after, source_chars, most_pages, ended_at,"
        f" {names}) VALUES ($1, gen_random_uuid(), $2, 'p', $3, $4, now(), now(), 0, 1,"
        f" CASE WHEN $4 <> 'submitted' THEN now() - $5::interval END, {places})",
        parse_job_id, uuid4().hex, os.urandom(32), status, days * DAY, *values,
    )  # fmt: skip
    return parse_job_id


async def test_failed_parses_go_unless_a_job_waits_for_them(
    database: Database, tmp_path: Path
) -> None:
    gone = await a_parse(database, "failed", 50)
    awaited = await a_parse(database, "failed", 50)
    kept = {
        awaited,
        await a_parse(database, "failed", 5),
        await a_parse(database, "completed", 500),
        await a_parse(database, "submitted", 500),
    }
    job = await builders.a_claimed_job(database)
    await builders.execute(
        database,
        "UPDATE upload_pipeline.upload_jobs SET state = 'waiting', wait_reason = 'parse',"
        " wait_until = now() + interval '1 h', parse_job_id = $2 WHERE job_id = $1",
        job.lease.job_id,
        awaited,
    )

    removed = await sweep(database, tmp_path)

    rows = await builders.fetch(database, "SELECT parse_job_id FROM upload_pipeline.parse_jobs")
    assert {row["parse_job_id"] for row in rows} == kept
    assert (removed["parses"], gone in kept) == (1, False)


async def test_deliveries_go_unless_their_parse_is_under_way(
    database: Database, tmp_path: Path
) -> None:
    under_way, over = (
        await a_parse(database, "submitted", 500), await a_parse(database, "completed", 500),
    )  # fmt: skip
    for name, parse, days in (
        ("open", under_way, 50), ("over", over, 50), ("young", over, 5), ("unknown", uuid4(), 50),
    ):  # fmt: skip
        await builders.execute(
            database,
            "INSERT INTO upload_pipeline.webhook_log (delivery_id, provider, body_sha256, verdict,"
            " source, parse_job_id, received_at)"
            " VALUES ($1, 'llamaparse', $2, 'accepted', 'test', $3, now() - $4::interval)",
            name, os.urandom(32), parse, days * DAY,
        )  # fmt: skip

    removed = await sweep(database, tmp_path)

    rows = await builders.fetch(database, "SELECT delivery_id FROM upload_pipeline.webhook_log")
    assert {row["delivery_id"] for row in rows} == {"open", "young"}
    assert removed["webhooks"] == 2


def is_written(folder: str) -> bool:
    return any(path.is_file() for path in Path(folder).rglob("incoming/*"))


def upload_for_ever(folder: str, started: "multiprocessing.synchronize.Event") -> None:
    """A process that is in the middle of an upload."""

    async def body() -> AsyncIterator[bytes]:
        while True:
            yield os.urandom(1 << 20)
            if is_written(folder):
                started.set()
            await asyncio.sleep(0.01)

    blobs = open_blob_store(Path(folder).as_uri())
    asyncio.run(blobs.put_stream(f"tenants/{uuid4()}/incoming/{uuid4()}", body()))


async def test_what_a_killed_upload_left_expires(database: Database, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    started, folder = context.Event(), tmp_path / "blobs"
    process = context.Process(target=upload_for_ever, args=(str(folder), started))
    process.start()
    try:
        assert await asyncio.to_thread(started.wait, 60)
    finally:
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    left = [path for path in folder.rglob("*") if path.is_file()]
    kept = folder / "tenants" / "t" / "raw" / "0"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"old, but no upload")

    young = await sweep(database, tmp_path)
    for path in (*left, kept):
        os.utime(path, (time.time() - 2 * 86_400,) * 2)
    old = await sweep(database, tmp_path)

    assert len(left) == 1
    assert (young["incoming"], old["incoming"]) == (0, 1)
    assert [path for path in folder.rglob("*") if path.is_file()] == [kept]


async def test_abandoned_objects_of_a_bucket_expire(s3: str, tmp_path: Path) -> None:
    blobs = open_blob_store(f"s3://documents/{tmp_path.name}", endpoint=s3)
    for key in ("tenants/a/incoming/1", "tenants/b/incoming/2", "tenants/a/raw/3"):
        await blobs.put(key, b"x")

    young = await blobs.expire_incoming(keep=DAY)
    old = await blobs.expire_incoming(keep=-DAY)
    again = await blobs.expire_incoming(keep=-DAY)

    assert (young, old, again) == (0, 2, 0)
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    listed = client.list_objects_v2(Bucket="documents", Prefix=tmp_path.name)["Contents"]
    assert [found["Key"] for found in listed] == [f"{tmp_path.name}/tenants/a/raw/3"]
