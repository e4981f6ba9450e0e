"""What the periodic duties do, as a supervisor puts them together, on a real database."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.maintenance_store import MaintenanceStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database
from ingest.app.maintenance.duty import Duty
from ingest.domain.attempt import Settlement
from ingest.domain.circuit_breaker import BreakerState
from ingest.domain.errors import LeaseLost, ProviderPaused
from ingest.domain.job import JobState, Lane, WaitReason
from ingest.domain.provider import KeyHealth, Permit, PermitRequest, Report
from ingest.settings import Settings
from ingest.wiring import maintenance
from tests import builders

LONG = timedelta(minutes=5)
SOON = timedelta(seconds=-1)
LATER = timedelta(hours=1)


class Limiter:
    """Says how keys are; lets nobody call."""

    def __init__(self) -> None:
        self.breakers: dict[str, BreakerState] = {}

    async def acquire(self, request: PermitRequest) -> Permit:
        raise ProviderPaused

    async def release(self, permit: Permit, report: Report) -> None: ...

    async def health(self) -> list[KeyHealth]:
        return [
            KeyHealth("openai", "m", key, breaker, 0, 1.0, None, None, None)
            for key, breaker in self.breakers.items()
        ]


class Place:
    """A supervisor's duties, each done once when asked for."""

    def __init__(self, database: Database, own: UUID | None = None) -> None:
        self.database = database
        self.limiter = Limiter()
        self.settings = Settings(
            embedder="openai",
            openai_api_keys=SecretStr("sk-of-the-test"),
            parser="llamaparse",
            llamaparse_api_keys=SecretStr("llx-of-the-test"),
            max_rescues=3,
        )
        self._leases = MaintenanceStore(database)
        self.duties: Mapping[str, Duty] = {
            duty.name.partition(":")[0]: duty
            for duty in maintenance.queue_duties(
                self.settings, database, self.limiter, cluster="here", own=lambda: own
            )
        }

    async def do(self, name: str) -> None:
        duty = self.duties[name]
        [held] = await self._leases.take([duty.name], holder="test", lease=LONG)
        try:
            async with self._leases.begin(held):
                await duty.run_once()
        finally:
            await self._leases.give_up({held.name: held.token})


async def waiting_jobs(database: Database, reason: WaitReason, *waits: timedelta) -> list[UUID]:
    """Jobs that wait for this, and are due to look again after these times."""
    found = []
    for wait in waits:
        job = await builders.a_claimed_job(database)
        settlement = Settlement(
            state=JobState.WAITING,
            error=ProviderPaused("it is away"),
            delay=wait,
            costs_attempt=False,
            wait_reason=reason,
            wait_at_most=timedelta(days=1),
        )
        assert await JobStore(database).settle(job.lease, settlement)
        found.append(job.lease.job_id)
    return found


async def queued(database: Database, job_ids: Sequence[UUID]) -> int:
    states = [await builders.state_of(database, job_id) for job_id in job_ids]
    return sum(state is JobState.QUEUED for _, state in states)


async def test_jobs_of_a_lost_worker_are_rescued(database: Database) -> None:
    job = await builders.a_claimed_job(database, lease=builders.EXPIRED)

    await Place(database).do("rescue")

    assert await queued(database, [job.lease.job_id]) == 1


async def test_what_a_silent_stream_holds_goes_back_but_not_what_the_own_one_holds(
    database: Database,
) -> None:
    workers, own, other, living = WorkerStore(database), uuid4(), uuid4(), uuid4()
    held: dict[UUID, UUID] = {}
    for worker_id in (own, other, living):
        await workers.register(worker_id, Lane.INTERACTIVE, host="h", pid=1, version="1")
        await builders.accept(database)
        [job] = await builders.claim(database, worker_id=worker_id)
        held[worker_id] = job.lease.job_id
    await builders.execute(
        database,
        "UPDATE upload_pipeline.workers SET heartbeat_at = now() - interval '11 s'"
        " WHERE worker_id <> $1",
        living,
    )

    await Place(database, own).do("end_silent_workers")

    assert [await queued(database, [held[name]]) for name in (own, other, living)] == [0, 1, 0]
    assert {worker.worker_id for worker in await workers.list_running()} == {own, living}


@pytest.mark.parametrize("reason", [WaitReason.PARSE, WaitReason.BUDGET])
async def test_jobs_that_are_due_to_look_again_are_woken(
    database: Database, reason: WaitReason
) -> None:
    jobs = await waiting_jobs(database, reason, SOON, LATER)

    await Place(database).do("wake_waiting")

    assert [await queued(database, [job]) for job in jobs] == [1, 0]


async def test_jobs_that_wait_for_the_end_of_a_pause_that_is_over_are_woken(
    database: Database,
) -> None:
    jobs = await waiting_jobs(database, WaitReason.PAUSED, LATER)

    await Place(database).do("wake_waiting")

    assert await queued(database, jobs) == 1


async def test_while_a_provider_is_away_a_few_jobs_find_out_and_all_follow_once_it_is_back(
    database: Database,
) -> None:
    place = Place(database)
    due = await waiting_jobs(database, WaitReason.PROVIDER, *[SOON] * 4)
    await waiting_jobs(database, WaitReason.PROVIDER, LATER)
    place.limiter.breakers = {"k": BreakerState.OPEN}

    await place.do("wake_provider")
    probes = await queued(database, due)
    place.limiter.breakers = {"k": BreakerState.CLOSED}
    await place.do("wake_provider")

    assert probes == 2
    [left] = await builders.fetch(
        database, "SELECT count(*) AS n FROM upload_pipeline.upload_jobs WHERE state = 'waiting'"
    )
    assert left["n"] == 0


async def test_every_duty_runs_under_its_lease_and_writes_nothing_after_it(
    database: Database,
) -> None:
    place = Place(database)
    for name in place.duties:
        await place.do(name)
    leases = MaintenanceStore(database)
    names = [duty.name for duty in place.duties.values()]
    held = {lease.name: lease for lease in await leases.take(names, holder="a", lease=LONG)}

    for duty in place.duties.values():
        async with leases.begin(held[duty.name]):
            await leases.give_up({duty.name: held[duty.name].token})
            with pytest.raises(LeaseLost):
                await duty.run_once()


async def test_two_supervisors_share_all_duties_out_between_them(database: Database) -> None:
    places = Place(database), Place(database)
    runners = [maintenance.make_runner(database, holder=name) for name in ("a", "b")]
    jobs = await waiting_jobs(database, WaitReason.BUDGET, *[SOON] * 5)
    try:
        for place, runner in zip(places, runners, strict=True):
            runner.start(place.duties.values())
        async with asyncio.timeout(60):
            while True:
                rows = await builders.fetch(
                    database, "SELECT duty, holder, ran_at FROM upload_pipeline.maintenance_leases"
                )
                begun = sum(row["ran_at"] is not None for row in rows)
                if begun == len(places[0].duties) and await queued(database, jobs) == 5:
                    break
                await asyncio.sleep(0.1)
    finally:
        for runner in runners:
            await runner.stop()

    assert {row["duty"] for row in rows} == {duty.name for duty in places[0].duties.values()}
    assert {row["holder"] for row in rows} <= {"a", "b"}
    free = await MaintenanceStore(database).take(
        [row["duty"] for row in rows], holder="c", lease=LONG
    )
    assert len(free) == len(rows), "a runner that stopped gives its duties up"
