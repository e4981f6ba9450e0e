"""Objects of buckets are registered without being read, each once, whatever happens meanwhile."""

import asyncio
from pathlib import Path

import pytest

from ingest.adapters.postgres.jobs.limit_store import LimitStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.errors import LeaseLost, LimitReached
from ingest.domain.job import ClaimedJob, JobState
from ingest.domain.stage import Stage
from ingest.domain.tenant_limits import TenantLimits
from tests import builders
from tests.integration.reference_fixtures import ReferenceFixture


@pytest.fixture
def setting(database: Database, tmp_path: Path, s3: str) -> ReferenceFixture:
    return ReferenceFixture(database, tmp_path, s3)


async def test_objects_are_registered_unread_and_fetched_as_they_are(
    setting: ReferenceFixture,
) -> None:
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


async def test_again_registers_only_what_changed(setting: ReferenceFixture) -> None:
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


async def test_what_has_not_begun_is_read_as_it_is_by_then(setting: ReferenceFixture) -> None:
    setting.put("a.md", b"first")
    await setting.register()
    setting.put("a.md", b"second")

    again = await setting.register(run="two")

    assert (again.created, again.there_already, len(await setting.jobs())) == (0, 1, 1)
    [fetched] = await setting.fetch(*await setting.claim())
    assert isinstance(fetched, ClaimedJob)
    assert await setting.blobs.get(str(fetched.raw_key)) == b"second"
    assert (await setting.register(run="three")).unchanged == 1


async def test_a_uri_with_white_space_before_it_is_read_later_like_any(
    setting: ReferenceFixture,
) -> None:
    setting.put("a.md", b"text")
    line = {"uri": f" {setting.uri('a.md')}", "bytes_len": 4, "version": "1"}

    registered = await setting.register(manifest=setting.manifest(line))
    [fetched] = await setting.fetch(*await setting.claim())

    assert registered.created == 1
    assert isinstance(fetched, ClaimedJob)
    assert await setting.blobs.get(str(fetched.raw_key)) == b"text"


async def test_an_object_that_is_listed_twice_is_one(setting: ReferenceFixture) -> None:
    lines = [
        {"uri": setting.uri(f"{number}.md"), "bytes_len": 5, "version": "1"}
        for number in range(2500)
    ]

    registered = await setting.register(manifest=setting.manifest(*lines, *lines))

    assert len(await setting.jobs()) == 2500
    assert (registered.created, registered.there_already) == (2500, registered.unchanged)
    assert registered.done == registered.listed


async def test_two_runs_at_once_make_one_job_of_each_object(setting: ReferenceFixture) -> None:
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


async def test_a_run_that_dies_leaves_its_objects_to_the_next(setting: ReferenceFixture) -> None:
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


async def test_a_failed_job_is_made_again_for_the_same_generation(
    setting: ReferenceFixture,
) -> None:
    setting.put("a.md", b"text")
    await setting.register()
    await builders.execute(
        setting.database,
        "UPDATE upload_pipeline.upload_jobs SET state = 'cancelled' WHERE tenant_id = $1",
        setting.tenant,
    )

    again = await setting.register(run="two")

    assert again.created == 1
    assert [(row["generation"], row["state"]) for row in await setting.jobs()] == [
        (1, "cancelled"),
        (1, "queued"),
    ]


async def test_limits_count_each_object(setting: ReferenceFixture) -> None:
    await LimitStore(setting.database).set(setting.tenant, TenantLimits(uploads_per_day=5))
    lines = (
        {"uri": setting.uri(f"{number}.md"), "bytes_len": 5, "version": "1"} for number in range(20)
    )

    with pytest.raises(LimitReached):
        await setting.register(manifest=setting.manifest(*lines))

    assert len(await setting.jobs()) == 5


async def test_what_could_not_be_known_again_is_read_at_once(setting: ReferenceFixture) -> None:
    setting.put("a.md", b"text")
    manifest = setting.manifest({"uri": setting.uri("a.md")})

    first = await setting.register(manifest=manifest)
    again = await setting.register(manifest=manifest, run="two")

    assert (first.created, again.created, again.there_already) == (1, 0, 1)
    [document] = await setting.documents()
    assert document["raw_key"] is not None
