"""Objects of buckets: registered without being read, fetched once, and then like any upload."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import builders
import pytest

from ingest.adapters.blob_store import ObjectBlobStore, open_blob_store
from ingest.adapters.postgres import migrate
from ingest.adapters.postgres.archive import PostgresArchive
from ingest.adapters.postgres.document_store import DocumentStore
from ingest.adapters.postgres.limit_store import LimitStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.reference_store import ReferenceStore
from ingest.adapters.postgres.source_store import SourceStore
from ingest.adapters.sources import Objects
from ingest.cli.backfilling import matching
from ingest.domain.errors import (
    DocumentTooLarge,
    LeaseLost,
    StoreUnavailable,
    UnsupportedMediaType,
)
from ingest.domain.job import ClaimedJob, JobState, Lane
from ingest.domain.limits import LimitReached, TenantLimits
from ingest.domain.source import SourceGone, SourceUnavailable
from ingest.domain.stage import Stage
from ingest.lifecycle.accept import Intake
from ingest.lifecycle.register import Registered, Registrar

DOCUMENTS = """
SELECT document_id, name, filename, media_type, bytes_len, file_sha256, raw_key, generation
FROM upload_pipeline.documents WHERE user_id = $1 ORDER BY name
"""
JOBS = """
SELECT j.job_id, j.state, j.generation, j.file_sha256, d.filename
FROM upload_pipeline.upload_jobs AS j INNER JOIN upload_pipeline.documents AS d USING (document_id)
WHERE j.user_id = $1 ORDER BY d.filename, j.generation, j.created_at
"""


class Setting:
    """A tenant's bucket, what registers it, and what fetches it."""

    def __init__(self, database: Database, folder: Path, endpoint: str) -> None:
        self.database = database
        self.tenant = builders.a_tenant()
        self.bucket = f"of-{self.tenant}"
        self.endpoint = endpoint
        self.client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        self.client.create_bucket(Bucket=self.bucket)
        self.folder = folder
        self.blobs = open_blob_store((folder / "blobs").as_uri())
        self.objects = Objects(endpoint=endpoint)

    def put(self, name: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=name, Body=content)

    async def register(self, *, manifest: Path | None = None, run: str = "one") -> Registered:
        registrar = Registrar(
            Intake(self.blobs, DocumentStore(self.database), max_bytes=1000),
            SourceStore(self.database),
            ReferenceStore(self.database),
            self.objects,
            user_id=self.tenant,
            run=run,
            at_once=4,
            wanted=matching(None),
        )
        listing = self.objects.listing(f"s3://{self.bucket}")
        await registrar.register(
            [listing if manifest is None else self.objects.manifest(str(manifest))]
        )
        return registrar.registered

    def manifest(self, *lines: dict[str, Any]) -> Path:
        place = self.folder / "manifest.ndjson"
        place.write_text("\n".join(map(json.dumps, lines)))
        return place

    def uri(self, name: str) -> str:
        return f"s3://{self.bucket}/{name}"

    async def claim(self, limit: int = 10) -> list[ClaimedJob]:
        return await builders.claim(self.database, limit=limit, lane=Lane.BACKFILL)

    async def fetch(self, *jobs: ClaimedJob) -> list[ClaimedJob | BaseException]:
        fetcher = builders.a_fetcher(self.database, self.blobs, endpoint=self.endpoint)
        return await asyncio.gather(*map(fetcher.fetch, jobs), return_exceptions=True)

    async def documents(self) -> list[dict[str, Any]]:
        return await builders.fetch(self.database, DOCUMENTS, self.tenant)

    async def jobs(self) -> list[dict[str, Any]]:
        return await builders.fetch(self.database, JOBS, self.tenant)

    def kept(self) -> set[str]:
        """Digests of the blobs that are stored."""
        return {path.name for path in self.folder.glob("blobs/tenants/*/raw/*")}


@pytest.fixture
def setting(database: Database, tmp_path: Path, s3: str) -> Setting:
    return Setting(database, tmp_path, s3)


async def test_objects_are_registered_unread_and_fetched_as_they_are(setting: Setting) -> None:
    contents = {f"{number:02}.md": f"# Note {number}".encode() for number in range(12)}
    for name, content in contents.items():
        setting.put(name, content)

    registered = await setting.register()
    before = await setting.documents()
    fetched = await setting.fetch(*await setting.claim(limit=20))

    assert (registered.created, registered.done, registered.left_over) == (12, 12, 0)
    assert registered.bytes_len == sum(map(len, contents.values()))
    assert {row["raw_key"] for row in before} == {row["file_sha256"] for row in before} == {None}
    assert [row["name"] for row in before] == [f"external:{setting.uri(name)}" for name in contents]
    after = {row["filename"]: row for row in await setting.documents()}
    for job in fetched:
        assert isinstance(job, ClaimedJob)
        assert job.raw_key is not None
        row = after[job.filename]
        assert await setting.blobs.get(job.raw_key) == contents[job.filename]
        assert (row["raw_key"], row["bytes_len"]) == (job.raw_key, len(contents[job.filename]))
        assert await builders.state_of(setting.database, job.lease.job_id) == (
            Stage.JOB_VALIDATED,
            JobState.WORKING,
        )
    assert {row["file_sha256"] for row in after.values()} == setting.kept()
    assert [row["file_sha256"] for row in await setting.jobs()] == [
        after[name]["file_sha256"] for name in contents
    ]


async def test_again_registers_only_what_changed(setting: Setting) -> None:
    for name in ("a.md", "b.md", "c.md"):
        setting.put(name, name.encode())
    await setting.register()
    first, second, third = await setting.claim()
    [fetched] = await setting.fetch(first)
    assert isinstance(fetched, ClaimedJob)
    setting.put(first.filename, b"another text")
    setting.put(second.filename, b"another text, too")

    again = await setting.register(run="two")

    assert (again.listed, again.created, again.unchanged) == (3, 2, 1)
    states = {(row["filename"], row["generation"]): row["state"] for row in await setting.jobs()}
    assert states == {
        (first.filename, 1): "cancelled",
        (first.filename, 2): "queued",
        (second.filename, 1): "cancelled",  # it may have been read before it changed
        (second.filename, 2): "queued",
        (third.filename, 1): "working",
    }
    late, *_ = await setting.fetch(second)
    assert isinstance(late, LeaseLost)
    renewed = {job.filename: job for job in await setting.claim()}
    [new] = await setting.fetch(renewed[first.filename])
    assert isinstance(new, ClaimedJob)
    assert await setting.blobs.get(str(new.raw_key)) == b"another text"


async def test_what_has_not_begun_is_read_as_it_is_by_then(setting: Setting) -> None:
    setting.put("a.md", b"first")
    await setting.register()
    setting.put("a.md", b"second")

    again = await setting.register(run="two")

    assert (again.created, again.there_already, len(await setting.jobs())) == (0, 1, 1)
    [fetched] = await setting.fetch(*await setting.claim())
    assert isinstance(fetched, ClaimedJob)
    assert await setting.blobs.get(str(fetched.raw_key)) == b"second"
    assert (await setting.register(run="three")).unchanged == 1


async def test_an_object_that_is_listed_twice_is_one(setting: Setting) -> None:
    lines = [
        {"uri": setting.uri(f"{number}.md"), "bytes_len": 5, "version": "1"}
        for number in range(2500)
    ]

    registered = await setting.register(manifest=setting.manifest(*lines, *lines))

    assert len(await setting.jobs()) == 2500
    assert (registered.created, registered.there_already) == (2500, registered.unchanged)
    assert registered.done == registered.listed


async def test_two_runs_at_once_make_one_job_of_each_object(setting: Setting) -> None:
    lines = [
        {"uri": setting.uri(f"{number}.md"), "bytes_len": 5, "version": "1"}
        for number in range(3000)
    ]
    manifest = setting.manifest(*lines)

    first, second = await asyncio.gather(
        setting.register(manifest=manifest), setting.register(manifest=manifest, run="two")
    )

    assert len(await setting.jobs()) == 3000
    assert first.created + second.created == 3000
    for run in (first, second):
        assert run.done + run.left_over == run.listed == 3000


async def test_a_run_that_dies_leaves_its_objects_to_the_next(setting: Setting) -> None:
    lines = (
        {"uri": setting.uri(f"{number}.md"), "bytes_len": 5, "version": "1"}
        for number in range(4000)
    )
    manifest = setting.manifest(*lines)
    dying = asyncio.create_task(setting.register(manifest=manifest))
    while not await setting.jobs():  # noqa: ASYNC110 - it is the database that is waited for
        await asyncio.sleep(0.005)
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying
    before = await setting.jobs()

    after = await setting.register(manifest=manifest, run="next")

    assert len(before) < 4000
    assert len(await setting.jobs()) == 4000
    assert (after.created, after.there_already) == (4000 - len(before), len(before))


async def test_what_cannot_be_taken_ends_with_what_is_wrong_with_it(setting: Setting) -> None:
    setting.put("gone.md", b"it will vanish")
    setting.put("grown.md", b"it will grow")
    setting.put("picture.md", b"\x89PNG\r\n\x1a\n" + bytes(50))
    setting.put("empty.md", b"")
    setting.put("large.md", b"x" * 1001)

    registered = await setting.register()
    setting.client.delete_object(Bucket=setting.bucket, Key="gone.md")
    setting.put("grown.md", b"x" * 1001)
    jobs = sorted(await setting.claim(), key=lambda job: job.filename)
    fetched = await setting.fetch(*jobs)

    assert registered.created == 3
    assert registered.refused == {"document_empty": 1, "document_too_large": 1}
    assert [job.filename for job in jobs] == ["gone.md", "grown.md", "picture.md"]
    assert [type(one) for one in fetched] == [SourceGone, DocumentTooLarge, UnsupportedMediaType]
    assert "gone.md" in str(fetched[0])
    assert "1000 bytes" in str(fetched[1])
    assert setting.kept() == set()
    assert {row["raw_key"] for row in await setting.documents()} == {None}


async def test_a_bucket_that_does_not_answer_is_tried_again_later(setting: Setting) -> None:
    setting.put("a.md", b"text")
    await setting.register()
    setting.endpoint = "http://127.0.0.1:9"
    [job] = await setting.claim()

    [error] = await setting.fetch(job)

    assert isinstance(error, SourceUnavailable)
    assert error.retryable
    assert setting.uri("a.md") in error.message


async def test_what_is_deleted_while_it_is_fetched_leaves_nothing(setting: Setting) -> None:
    setting.put("a.md", b"deleted")
    setting.put("b.md", b"kept")
    setting.put("c.md", b"kept")
    await setting.register()
    jobs = {job.filename: job for job in await setting.claim()}
    documents = DocumentStore(setting.database)
    for name in ("a.md", "c.md"):
        assert await documents.delete(
            jobs[name].document_id, setting.tenant, remove_blob=setting.blobs.delete
        )

    deleted, kept, same = await setting.fetch(*(jobs[name] for name in ("a.md", "b.md", "c.md")))
    if isinstance(kept, StoreUnavailable):  # the same bytes were removed before they were recorded
        [kept] = await setting.fetch(jobs["b.md"])

    assert isinstance(deleted, LeaseLost)
    assert isinstance(same, LeaseLost)
    assert isinstance(kept, ClaimedJob)
    assert setting.kept() == {str(kept.raw_key).rpartition("/")[2]}


async def test_an_upload_under_the_same_name_goes_before_what_was_not_fetched(
    setting: Setting,
) -> None:
    setting.put("a.md", b"of the bucket")
    await setting.register()
    [job] = await setting.claim()
    arrival = builders.an_arrival(setting.tenant, b"uploaded", external_id=setting.uri("a.md"))

    accepted = await builders.accept(setting.database, arrival)
    [late] = await setting.fetch(job)

    assert (accepted.document_id, accepted.generation) == (job.document_id, 2)
    assert isinstance(late, LeaseLost)
    [document] = await setting.documents()
    assert document["file_sha256"] == arrival.file_sha256


async def test_a_failed_job_is_made_again_for_the_same_generation(setting: Setting) -> None:
    setting.put("a.md", b"text")
    await setting.register()
    await builders.execute(
        setting.database,
        "UPDATE upload_pipeline.upload_jobs SET state = 'cancelled' WHERE user_id = $1",
        setting.tenant,
    )

    again = await setting.register(run="two")

    assert again.created == 1
    assert [(row["generation"], row["state"]) for row in await setting.jobs()] == [
        (1, "cancelled"),
        (1, "queued"),
    ]


async def test_limits_count_each_object(setting: Setting) -> None:
    await LimitStore(setting.database).set(setting.tenant, TenantLimits(uploads_per_day=5))
    lines = (
        {"uri": setting.uri(f"{number}.md"), "bytes_len": 5, "version": "1"} for number in range(20)
    )

    with pytest.raises(LimitReached):
        await setting.register(manifest=setting.manifest(*lines))

    assert len(await setting.jobs()) == 5


async def test_what_could_not_be_known_again_is_read_at_once(setting: Setting) -> None:
    setting.put("a.md", b"text")
    manifest = setting.manifest({"uri": setting.uri("a.md")})

    first = await setting.register(manifest=manifest)
    again = await setting.register(manifest=manifest, run="two")

    assert (first.created, again.created, again.there_already) == (1, 0, 1)
    [document] = await setting.documents()
    assert document["raw_key"] is not None


async def test_many_that_are_fetched_at_once_are_recorded_together(setting: Setting) -> None:
    for number in range(30):
        setting.put(f"{number}.md", f"text {number}".encode())
    await setting.register()
    store = Counted(setting.database)
    fetcher = builders.a_fetcher(setting.database, setting.blobs, endpoint=setting.endpoint)
    fetcher._references = store
    store.until = lambda: sum(store.sizes) + len(fetcher._kept) == 30

    await asyncio.gather(*map(fetcher.fetch, await setting.claim(limit=30)))

    assert len(store.sizes) <= 2
    assert sum(store.sizes) == 30
    assert all(row["raw_key"] for row in await setting.documents())


class Counted(ReferenceStore):
    """References, and how many were recorded with each call; none before it is time."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.sizes: list[int] = []
        self.until: Callable[[], bool] = lambda: True

    async def record(self, fetched: Any, **options: Any) -> frozenset[UUID]:
        self.sizes.append(len(fetched))
        while not self.until():  # noqa: ASYNC110 - what it waits for rings no bell
            await asyncio.sleep(0.01)
        return await super().record(fetched, **options)


async def test_a_blob_that_goes_while_it_is_recorded_is_not_referred_to(setting: Setting) -> None:
    setting.put("a.md", b"text")
    await setting.register()
    [job] = await setting.claim()
    blobs = Forgetful(setting.blobs)
    fetcher = builders.a_fetcher(setting.database, blobs, endpoint=setting.endpoint)

    [error] = await asyncio.gather(fetcher.fetch(job), return_exceptions=True)

    assert getattr(error, "code", None) == "store_unavailable"
    [document] = await setting.documents()
    assert document["raw_key"] is None


class Forgetful(ObjectBlobStore):
    """A storage from which everything is gone when it is looked for."""

    def __init__(self, blobs: ObjectBlobStore) -> None:
        super().__init__(blobs._store, folder=blobs._folder)

    async def exists(self, key: str) -> bool:
        await self.delete(key)
        return await super().exists(key)


async def test_a_backup_needs_no_bytes_of_what_was_not_fetched(setting: Setting) -> None:
    setting.put("a.md", b"text")
    setting.put("b.md", b"text, too")
    await setting.register()
    first, _ = await setting.claim()
    [fetched] = await setting.fetch(first)

    async with PostgresArchive(setting.database).snapshot() as snapshot:
        needed = list(snapshot.blob_keys)

    assert isinstance(fetched, ClaimedJob)
    assert needed == [fetched.raw_key]


async def test_a_lease_that_is_lost_records_nothing(setting: Setting) -> None:
    setting.put("a.md", b"text")
    await setting.register()
    [job] = await setting.claim()
    stale = replace(job, lease=replace(job.lease, token=builders.a_tenant()))

    [error] = await setting.fetch(stale)

    assert isinstance(error, LeaseLost)
    assert setting.kept() == set()
    [document] = await setting.documents()
    assert document["raw_key"] is None


async def test_without_this_step_of_the_schema_documents_have_the_bytes_they_had(
    setting: Setting,
) -> None:
    for name in ("new.md", "edited.md"):
        setting.put(name, name.encode())
    await setting.register()
    jobs = {job.filename: job for job in await setting.claim()}
    [edited] = await setting.fetch(jobs["edited.md"])
    assert isinstance(edited, ClaimedJob)
    await builders.publish(setting.database, edited, builders.some_chunks(edited, "text"))
    setting.put("edited.md", b"edited")
    await setting.register(run="two")

    await asyncio.to_thread(migrate.downgrade, setting.database.url, "0022")

    [document] = await setting.documents()
    assert (document["filename"], document["raw_key"]) == ("edited.md", edited.raw_key)
    assert document["file_sha256"] in setting.kept()
    states = {job["generation"]: job["state"] for job in await setting.jobs()}
    assert states == {1: "done", 2: "cancelled"}
