"""Periodic duties: one holder at a time for each, whatever happens to the others."""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from ingest.adapters.postgres.jobs.maintenance_store import LeasedDatabase, MaintenanceStore
from ingest.adapters.postgres.pool import Database
from ingest.app.maintenance.duty import Duty
from ingest.app.maintenance.runner import MaintenanceRunner
from ingest.domain.duty_lease import LeasedDuty, scoped
from ingest.domain.errors import LeaseLost, StoreUnavailable
from tests import builders
from tests.conftest import Way
from tests.integration import maintenance_parts
from tests.integration.maintenance_parts import Recorded

WAYS = pytest.mark.parametrize("way", ["straight", "pooler"], indirect=True)
PATIENCE = 40
LONG = timedelta(minutes=1)


@pytest.fixture
async def steps(database: Database) -> None:
    await builders.execute(database, maintenance_parts.STEPS)


@asynccontextmanager
async def a_runner(way: Way, holder: str) -> AsyncIterator[tuple[MaintenanceRunner, Database]]:
    """A runner with a pool of its own, as every supervisor has."""
    database = Database(way.url, pooler=way.pooler)
    running = MaintenanceRunner(MaintenanceStore(database), holder=holder)
    try:
        yield running, database
    finally:
        await running.stop()
        await database.close()


async def taken(database: Database, duty: str = "long") -> list[tuple[str, datetime]]:
    """Every step of a duty in order: who did it, and when."""
    rows = await builders.fetch(
        database, "SELECT holder, at FROM public.steps WHERE duty = $1 ORDER BY at", duty
    )
    return [(row["holder"], row["at"]) for row in rows]


async def first_holder(database: Database, duty: str) -> str:
    """Who did a duty first."""
    async with asyncio.timeout(PATIENCE):
        while not (steps := await taken(database, duty)):  # noqa: ASYNC110 - a runner fills it
            await asyncio.sleep(0.05)
    return steps[0][0]


async def until_steps(database: Database, holder: str, *, more: int, duty: str = "long") -> None:
    """Return once a holder has done this many more steps."""

    async def count() -> int:
        return sum(name == holder for name, _ in await taken(database, duty))

    wanted = await count() + more
    async with asyncio.timeout(PATIENCE):
        while await count() < wanted:  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.05)


@WAYS
@pytest.mark.usefixtures("steps")
async def test_of_two_runners_one_does_a_duty_once_an_interval(
    way: Way, database: Database
) -> None:
    interval = 0.2
    async with a_runner(way, "a") as (first, one), a_runner(way, "b") as (second, other):
        for running, pool, holder in ((first, one, "a"), (second, other, "b")):
            running.start(
                Recorded(pool, holder, name=name, interval=interval) for name in ("x", "y")
            )
        holders = {name: (await first_holder(database, name)) for name in ("x", "y")}
        for name, holder in holders.items():
            await until_steps(database, holder, more=10, duty=name)

    for duty in ("x", "y"):
        seen = await taken(database, duty)
        moments = [at for _, at in seen]
        gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        assert {holder for holder, _ in seen} == {holders[duty]}
        assert min(gaps) >= timedelta(seconds=interval) * 0.9


@WAYS
@pytest.mark.usefixtures("steps")
async def test_a_duty_that_was_done_lately_is_not_done_again_by_the_next_holder(
    way: Way, database: Database
) -> None:
    def duties(pool: Database, holder: str) -> list[Duty]:
        return [
            Recorded(pool, holder, name="hourly", interval=3600),
            Recorded(pool, holder, name="often", interval=0.05),
        ]

    async with a_runner(way, "a") as (first, one):
        first.start(duties(one, "a"))
        await until_steps(database, "a", more=1, duty="hourly")
    async with a_runner(way, "b") as (second, other):
        second.start(duties(other, "b"))
        await until_steps(database, "b", more=5, duty="often")
        [lease] = await builders.fetch(
            database, "SELECT holder FROM upload_pipeline.maintenance_leases WHERE duty = 'hourly'"
        )
    once = await taken(database, "hourly")

    await builders.execute(
        database, "UPDATE upload_pipeline.maintenance_leases SET ran_at = now() - interval '2 h'"
    )
    async with a_runner(way, "c") as (third, another):
        third.start(duties(another, "c"))
        await until_steps(database, "c", more=1, duty="hourly")

    assert lease["holder"] == "b"
    assert [holder for holder, _ in once] == ["a"]


@contextlib.contextmanager
def a_process(way: Way, holder: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that does the duty ``long``, or waits for it."""
    with log.open("wb") as told:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.integration.maintenance_parts"),
                *(way.url, holder, str(way.pooler).lower()),
            ],
            stderr=told,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@WAYS
@pytest.mark.usefixtures("steps")
async def test_a_duty_moves_when_its_holder_dies(
    way: Way, database: Database, tmp_path: Path
) -> None:
    with a_process(way, "a", tmp_path / "a") as first:
        await until_steps(database, "a", more=5)
        with a_process(way, "b", tmp_path / "b"):
            first.kill()
            await until_steps(database, "b", more=5)

    seen = [holder for holder, _ in await taken(database)]
    assert seen == sorted(seen)


@WAYS
@pytest.mark.usefixtures("steps")
async def test_a_holder_that_was_paused_goes_on_with_nothing(
    way: Way, database: Database, tmp_path: Path
) -> None:
    with a_process(way, "a", tmp_path / "a") as first:
        await until_steps(database, "a", more=5)
        with a_process(way, "b", tmp_path / "b") as second:
            first.send_signal(signal.SIGSTOP)
            await until_steps(database, "b", more=5)
            first.send_signal(signal.SIGCONT)
            async with asyncio.timeout(PATIENCE):
                while "maintenance duty lost" not in (tmp_path / "a").read_text():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            await until_steps(database, "b", more=20)
            while_b_held = [holder for holder, _ in await taken(database)]
            second.kill()
            await until_steps(database, "a", more=5)

    assert while_b_held == sorted(while_b_held)


@WAYS
@pytest.mark.usefixtures("steps")
async def test_a_write_under_a_lease_of_before_does_nothing(way: Way, database: Database) -> None:
    leases, leased = MaintenanceStore(database), LeasedDatabase(database)
    [old] = await leases.take(["long"], holder="a", lease=LONG)
    async with leases.begin(old):
        await leases.give_up({old.name: old.token})
        [new] = await leases.take(["long"], holder="b", lease=LONG)
        with pytest.raises(LeaseLost, match="somebody else's"):
            async with leased.connection() as connection:
                await connection.execute(maintenance_parts.STEP, "long", "a")
        with pytest.raises(LeaseLost, match="somebody else's"):
            async with leased.transaction() as connection:
                await connection.execute(maintenance_parts.STEP, "long", "a")
        await leases.give_up({old.name: old.token})  # is not the new one's

    assert await leases.renew({old.name: old.token}, lease=LONG) == set()
    assert await leases.renew({new.name: new.token}, lease=LONG) == {"long"}
    with pytest.raises(LeaseLost):
        async with leases.begin(old):
            pytest.fail("it is the new holder's")
    assert await taken(database) == []


@WAYS
@pytest.mark.usefixtures("steps")
async def test_a_lease_that_is_nearly_over_begins_no_step(way: Way, database: Database) -> None:
    leases, leased = MaintenanceStore(database), LeasedDatabase(database)
    [held] = await leases.take(["long"], holder="a", lease=timedelta(seconds=1.9))

    with pytest.raises(LeaseLost):
        async with leases.begin(held), leased.connection() as connection:
            await connection.execute(maintenance_parts.STEP, "long", "a")

    assert await taken(database) == []


@WAYS
@pytest.mark.usefixtures("steps")
async def test_who_is_paused_within_a_step_cannot_end_it(way: Way, database: Database) -> None:
    leases, leased = MaintenanceStore(database), LeasedDatabase(database)
    [held] = await leases.take(["long"], holder="a", lease=LONG)

    async def pause() -> None:
        async with leased.connection() as connection:
            await connection.execute(maintenance_parts.STEP, "long", "a")
            await asyncio.sleep(3)
            await connection.execute(maintenance_parts.STEP, "long", "a")

    async with leases.begin(held):
        with pytest.raises(StoreUnavailable):
            await pause()

    assert await taken(database) == []


@pytest.mark.usefixtures("steps")
async def test_a_duty_that_fails_is_done_again_in_its_turn(way: Way, database: Database) -> None:
    class Failing(Recorded):
        fails = 2

        async def run_once(self) -> None:
            await super().run_once()
            self.fails -= 1
            if self.fails == 1:
                raise ValueError("a bug")
            if self.fails == 0:
                raise StoreUnavailable("away")

    async with a_runner(way, "a") as (running, pool):
        running.start([Failing(pool, "a", name="long", interval=0.05)])
        await until_steps(database, "a", more=4)


async def test_without_a_duty_a_leased_database_refuses(database: Database) -> None:
    with pytest.raises(LookupError):
        async with LeasedDatabase(database).connection():
            pytest.fail("nobody said which duty")


async def test_duties_that_nobody_does_any_more_are_forgotten(database: Database) -> None:
    leases = MaintenanceStore(database)
    held = await leases.take(["old", "new"], holder="a", lease=LONG)
    for duty in held:
        async with leases.begin(duty):
            pass
    await leases.give_up({duty.name: duty.token for duty in held})
    await builders.execute(
        database,
        "UPDATE upload_pipeline.maintenance_leases SET ran_at = now() - interval '2 days'"
        " WHERE duty = 'old'",
    )

    assert await leases.prune() == 1
    assert await leases.take(["new"], holder="b", lease=LONG) != {}


def test_a_scoped_duty_is_named_by_what_its_holders_share() -> None:
    assert scoped("poll", "k1", "k2") == scoped("poll", "k1", "k2")
    assert len({scoped("poll"), scoped("poll", "k1"), scoped("poll", "k1k2")}) == 3
    assert scoped("poll", "a secret").startswith("poll:")
    assert "secret" not in scoped("poll", "a secret")


async def test_who_was_never_a_holder_begins_nothing(database: Database) -> None:
    with pytest.raises(LeaseLost):
        async with MaintenanceStore(database).begin(LeasedDuty("long", uuid4())):
            pytest.fail(f"process {os.getpid()} holds nothing")
