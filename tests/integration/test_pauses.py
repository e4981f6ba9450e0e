"""What operators stop: claims and calls, for everybody or for some."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.pause_store import PauseStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.domain.attempt import Settlement
from ingest.domain.errors import ParseUnderway, PausedByOperator
from ingest.domain.job import JobState, Lane, WaitReason
from ingest.domain.pause import Pause, PauseKind
from ingest.domain.pricing import Operation, Payer, Reservation
from ingest.domain.retry import RetryPolicy, Wait
from tests import builders
from tests.integration.parsing_fixtures import ParsingFixture

EVERYTHING = Pause(PauseKind.EVERYTHING)
INTERACTIVE = Pause(PauseKind.LANE, Lane.INTERACTIVE)
BACKFILL = Pause(PauseKind.LANE, Lane.BACKFILL)
OPENAI = Pause(PauseKind.PROVIDER, "openai")


def of_tenant(tenant_id: UUID) -> Pause:
    return Pause(PauseKind.TENANT, str(tenant_id))


async def test_pausing_twice_is_pausing_once(database: Database) -> None:
    store = PauseStore(database)

    assert await store.put(EVERYTHING, note="maintenance")
    assert not await store.put(EVERYTHING, note="again")
    assert [(view.pause, view.note) for view in await store.list_all()] == [
        (EVERYTHING, "maintenance")
    ]
    assert await store.lift(EVERYTHING)
    assert not await store.lift(EVERYTHING)
    assert await store.list_all() == []


@pytest.mark.parametrize(("pause", "stops"), [
    (EVERYTHING, True), (INTERACTIVE, True), (BACKFILL, False), (OPENAI, False),
])  # fmt: skip
async def test_a_pause_stops_claims_of_what_it_is_about(
    database: Database, pause: Pause, stops: bool
) -> None:
    await builders.accept(database)
    store = PauseStore(database)

    await store.put(pause)
    taken = await builders.claim(database)
    await store.lift(pause)

    assert bool(taken) is not stops
    assert len(await builders.claim(database)) == stops


async def test_a_paused_tenant_waits_and_the_others_do_not(database: Database) -> None:
    tenants = sorted(builders.a_tenant() for _ in range(4))
    for tenant_id in tenants:
        for _ in range(2):
            await builders.accept(database, builders.an_arrival(tenant_id))
    for paused in tenants[1:3]:
        await PauseStore(database).put(of_tenant(paused))

    waves = [
        await builders.claim(database, limit=3, after=after) for after in (*tenants, UUID(int=0))
    ]

    assert {job.tenant_id for wave in waves for job in wave} == {tenants[0], tenants[3]}
    assert sum(len(wave) for wave in waves) == 4


async def test_paused_tenants_take_no_turn_from_those_behind_them(database: Database) -> None:
    """A claim takes turns between sixteen tenants; more of them than that are paused."""
    paused = [UUID(int=number) for number in range(1, 41)]
    for tenant_id in paused:
        await builders.accept(database, builders.an_arrival(tenant_id))
        await PauseStore(database).put(of_tenant(tenant_id))
    behind = UUID(int=2**127)
    await builders.accept(database, builders.an_arrival(behind))

    [job] = await builders.claim(database, limit=5)

    assert job.tenant_id == behind


async def test_what_is_under_way_when_a_pause_begins_is_finished(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    await PauseStore(database).put(EVERYTHING)

    await builders.publish(database, job, builders.numbered_chunks(job, 2))

    assert (await builders.state_of(database, job.lease.job_id))[1] is JobState.DONE


def a_call(provider: str) -> Reservation:
    return Reservation(
        call_id=uuid4(),
        payer=Payer(uuid4(), Lane.INTERACTIVE, Operation.EMBED),
        provider=provider,
        model="text-embedding-3-small",
        key_fingerprint="0" * 8,
        units=1,
        usd=Decimal("0.01"),
        lasts=timedelta(minutes=1),
    )


async def test_no_call_to_a_paused_provider_is_reserved(database: Database) -> None:
    ledger, pauses = LedgerStore(database), PauseStore(database)
    await pauses.put(OPENAI)

    with pytest.raises(PausedByOperator, match="openai"):
        await ledger.reserve(a_call("openai"))
    await ledger.reserve(a_call("llamaparse"))
    await pauses.lift(OPENAI)
    await ledger.reserve(a_call("openai"))

    calls = await builders.fetch(database, "SELECT provider FROM upload_pipeline.provider_calls")
    assert sorted(call["provider"] for call in calls) == ["llamaparse", "openai"]
    [spending] = await builders.fetch(
        database,
        "SELECT sum(reserved_usd) AS usd FROM upload_pipeline.spending"
        " WHERE period = 'day' AND tenant_id = $1",
        UUID(int=0),
    )
    assert spending["usd"] == Decimal("0.02")


async def test_a_job_that_meets_a_paused_provider_waits_without_losing_an_attempt(
    database: Database,
) -> None:
    job = await builders.a_claimed_job(database)
    error = PausedByOperator("calls to openai are paused", retry_after=timedelta(seconds=1))
    decision = RetryPolicy().decide(error, attempt=1, jitter=0)
    assert isinstance(decision, Wait)
    assert timedelta(hours=1) < decision.delay < decision.at_most
    await JobStore(database).settle(
        job.lease,
        Settlement(
            JobState.WAITING,
            error,
            delay=decision.delay,
            wait_reason=decision.reason,
            wait_at_most=decision.at_most,
        ),
    )
    pauses, jobs = PauseStore(database), JobStore(database)
    await pauses.put(OPENAI)

    woken_while_paused = await jobs.wake(WaitReason.PAUSED, limit=9)
    await pauses.lift(Pause(PauseKind.PROVIDER, "llamaparse"))
    still_waiting = await jobs.wake(WaitReason.PAUSED, limit=9)
    await pauses.lift(OPENAI)

    assert (woken_while_paused, still_waiting) == (0, 0)
    assert await jobs.wake(WaitReason.PAUSED, limit=9) == 1
    [again] = await builders.claim(database)
    assert (again.lease.job_id, again.attempt) == (job.lease.job_id, 1)


async def test_nothing_is_handed_to_a_paused_provider_and_what_it_has_is_collected(
    parsing: ParsingFixture, database: Database
) -> None:
    pauses, llamaparse = PauseStore(database), Pause(PauseKind.PROVIDER, "llamaparse")
    with pytest.raises(ParseUnderway):
        await parsing.parse(b"Handed over before.")
    await pauses.put(llamaparse)

    for _ in range(2):
        with pytest.raises(PausedByOperator):
            await parsing.parse(b"Comes while it is paused.")
    await parsing.settle_down()
    before = (await parsing.parse(b"Handed over before.")).text
    sent = parsing.simulator.stats()["jobs"]
    await pauses.lift(llamaparse)

    assert "Handed over before." in before
    assert sent == 1
    assert "Comes while" in (await parsing.through(b"Comes while it is paused.")).text
    await parsing.balanced()
