"""Calling off a backfill: what its run has left in the queue, and nothing else."""

import asyncio
from pathlib import Path

import pytest

from ingest.adapters.postgres.jobs.run_store import RunStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.errors import LeaseLost
from ingest.domain.job import Lane
from tests import builders
from tests.integration.cli_system import Outcome, ingest
from tests.integration.reference_fixtures import ReferenceFixture

REQUEUE = """
UPDATE upload_pipeline.upload_jobs SET lane = 'interactive' WHERE job_id = $1 RETURNING job_id
"""


@pytest.fixture
def setting(database: Database, tmp_path: Path, s3: str) -> ReferenceFixture:
    return ReferenceFixture(database, tmp_path, s3)


def put(setting: ReferenceFixture, *names: str) -> None:
    for name in names:
        setting.put(name, f"# {name}".encode())


async def cancel(setting: ReferenceFixture, run: str, *, page: int = 2) -> list[int]:
    return [n async for n in RunStore(setting.database).cancel(run, setting.tenant, page=page)]


async def states(setting: ReferenceFixture) -> dict[str, str]:
    return {row["filename"]: row["state"] for row in await setting.jobs()}


async def test_all_that_a_run_left_is_cancelled_page_by_page(setting: ReferenceFixture) -> None:
    put(setting, *[f"{number}.md" for number in range(5)])
    await setting.register()
    put(setting, "of-another.md")
    await setting.register(run="two")

    assert await cancel(setting, "one") == [2, 2, 1]
    assert await cancel(setting, "one") == []

    ended = await states(setting)
    assert ended.pop("of-another.md") == "queued"
    assert set(ended.values()) == {"cancelled"}


async def test_a_job_that_is_worked_on_is_stopped_too(setting: ReferenceFixture) -> None:
    put(setting, "a.md", "b.md")
    await setting.register()
    [job] = await setting.claim(limit=1)

    assert sum(await cancel(setting, "one")) == 2

    [late] = await setting.fetch(job)
    assert isinstance(late, LeaseLost)
    assert await setting.claim() == []


async def test_what_was_uploaded_under_the_name_of_a_run_stays(setting: ReferenceFixture) -> None:
    put(setting, "a.md", "b.md")
    await setting.register()
    [first, _] = await setting.jobs()
    await builders.fetch(setting.database, REQUEUE, first["job_id"])

    assert await cancel(setting, "one") == [1]
    assert await states(setting) == {"a.md": "queued", "b.md": "cancelled"}


async def test_another_tenant_cancels_nothing(setting: ReferenceFixture) -> None:
    put(setting, "a.md")
    await setting.register()

    stranger = builders.a_tenant()
    assert [n async for n in RunStore(setting.database).cancel("one", stranger)] == []
    assert await states(setting) == {"a.md": "queued"}


async def test_the_next_run_takes_it_in_again(setting: ReferenceFixture) -> None:
    put(setting, "a.md", "b.md")
    await setting.register()
    await cancel(setting, "one")

    again = await setting.register(run="two")

    assert (again.listed, again.unchanged, again.left_over) == (2, 0, 0)
    assert len(await setting.claim()) == 2
    assert len(await builders.claim(setting.database, lane=Lane.BACKFILL)) == 0


async def test_cancelling_while_the_jobs_are_claimed_leaves_none(setting: ReferenceFixture) -> None:
    put(setting, *[f"{number}.md" for number in range(20)])
    await setting.register()

    claimed, *_ = await asyncio.gather(
        setting.claim(limit=7), cancel(setting, "one", page=3), cancel(setting, "one", page=4)
    )

    assert set((await states(setting)).values()) == {"cancelled"}
    held = [job for job in await setting.fetch(*claimed) if not isinstance(job, LeaseLost)]
    assert held == []


async def test_by_command(setting: ReferenceFixture, tmp_path: Path) -> None:
    put(setting, "a.md", "b.md")
    await setting.register(run="backfill-1a2b")

    def run(*options: object) -> Outcome:
        return ingest(
            "cancel-run",
            "backfill-1a2b",
            *options,
            INGEST_DATABASE_URL=setting.database.url,
            INGEST_STATE_DIR=str(tmp_path / "s"),
        )

    of_nobody = await asyncio.to_thread(run)
    done = await asyncio.to_thread(run, "--tenant", setting.tenant)
    again = await asyncio.to_thread(run, "--tenant", setting.tenant, "--json")

    assert (of_nobody.code, of_nobody.out) == (1, "")
    assert of_nobody.err == (
        "error: No such run for this tenant (the run id is in the backfill's summary), "
        "or all its jobs have ended\n"
    )
    assert (done.code, done.out) == (0, "2 jobs of backfill-1a2b cancelled\n")
    assert (again.code, again.json()) == (1, {"run": "backfill-1a2b", "cancelled": 0})
    assert set((await states(setting)).values()) == {"cancelled"}
