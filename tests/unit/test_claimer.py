"""How much a stream takes, and how it is asked to stop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from ingest.app.queue.claim import SMALL_WAVES_AT_ONCE, Claimer, ClaimPace
from ingest.domain.errors import StoreUnavailable
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import ClaimedJob, Lane
from tests.unit.stage_fixtures import a_job

PACE = ClaimPace(
    wave_jobs=4,
    small_waves_per_second=1000,
    claim_ahead_jobs=6,
    lease=timedelta(milliseconds=40),
    stage_timeout=timedelta(minutes=1),
)


class Queue:
    """A ClaimsJobs with so many jobs."""

    def __init__(self, count: int) -> None:
        self.left = [a_job() for _ in range(count)]
        self.held = 0
        self.limits: list[int] = []
        self.after: list[UUID] = []
        self.heartbeats = 0
        self.broken = 0

    def _break(self) -> None:
        if self.broken:
            self.broken -= 1
            raise StoreUnavailable

    async def claim(
        self, lane: Lane, *, after: UUID, limit: int, worker_id: UUID, lease: timedelta
    ) -> list[ClaimedJob]:
        self._break()
        assert (lane, lease) == (Lane.INTERACTIVE, PACE.lease)
        self.limits.append(limit)
        self.after.append(after)
        wave, self.left = self.left[:limit], self.left[limit:]
        self.held += len(wave)
        return wave

    async def count_working(self, worker_id: UUID) -> int:
        return self.held

    async def heartbeat(
        self, worker_id: UUID, *, lease: timedelta, stage_timeout: timedelta
    ) -> None:
        self._break()
        self.heartbeats += 1


async def no_bell(longest: timedelta) -> None:
    await asyncio.sleep(longest.total_seconds())


def a_claimer(
    queue: Queue,
    *,
    bell: Callable[[timedelta], Awaitable[None]] = no_bell,
    drains: Sequence[bool] = (),
    pace: ClaimPace = PACE,
) -> Claimer:
    answers = iter(drains)

    async def beat() -> bool:
        return next(answers, False)

    return Claimer(
        queue,
        lane=Lane.INTERACTIVE,
        worker_id=uuid4(),
        pace=pace,
        wait_for_jobs=bell,
        beat=beat,
    )


async def test_a_wave_is_bounded_and_the_turn_goes_on_behind_its_last_tenant() -> None:
    queue = Queue(20)
    claimer = a_claimer(queue)

    first = await claimer.next_wave()
    queue.held = 0
    await claimer.next_wave()

    assert first is not None
    assert queue.limits == [4, 4]
    assert queue.after == [ALL_TENANTS, first[-1].tenant_id]


async def test_no_more_is_claimed_than_the_stream_may_hold() -> None:
    queue = Queue(20)
    claimer = a_claimer(queue)

    await claimer.next_wave()
    await claimer.next_wave()
    waiting = asyncio.create_task(claimer.next_wave())
    await asyncio.sleep(0.2)

    assert queue.limits == [4, 2]
    assert not waiting.done()
    queue.held -= 1
    assert len(await waiting or []) == 1


async def test_a_full_stream_claims_again_when_it_lacks_a_wave_of_jobs() -> None:
    queue = Queue(40)
    claimer = a_claimer(queue, pace=replace(PACE, claim_ahead_jobs=16))
    for _ in range(4):
        await claimer.next_wave()
    waiting = asyncio.create_task(claimer.next_wave())

    queue.held -= 3
    await asyncio.sleep(0.2)
    assert not waiting.done()
    queue.held -= 1

    assert len(await waiting or []) == 4
    assert queue.limits == [4] * 5


async def test_an_empty_queue_is_waited_on_and_the_bell_ends_the_wait() -> None:
    queue = Queue(0)
    rung = asyncio.Event()

    async def bell(longest: timedelta) -> None:
        await rung.wait()

    waiting = asyncio.create_task(a_claimer(queue, bell=bell).next_wave())
    await asyncio.sleep(0.05)
    assert len(queue.limits) == 1
    queue.left.append(a_job())
    rung.set()

    assert len(await waiting or []) == 1


async def test_a_drain_ends_a_wait_at_once_and_for_good() -> None:
    queue = Queue(0)
    claimer = a_claimer(queue, drains=[True])
    waiting = asyncio.create_task(claimer.next_wave())
    await asyncio.sleep(0.02)
    alive = asyncio.create_task(claimer.keep_alive())

    async with asyncio.timeout(0.9):
        assert await waiting is None
        queue.left.append(a_job())
        assert await claimer.next_wave() is None
    alive.cancel()


async def test_leases_are_kept_alive_while_nobody_asks_for_a_wave() -> None:
    queue = Queue(0)
    alive = asyncio.create_task(a_claimer(queue).keep_alive())
    await asyncio.sleep(0.3)
    alive.cancel()

    assert queue.heartbeats >= 3


@pytest.mark.timeout(20)
async def test_a_database_that_is_away_for_a_while_stops_neither_claims_nor_beats() -> None:
    queue = Queue(1)
    queue.broken = 2
    claimer = a_claimer(queue)
    alive = asyncio.create_task(claimer.keep_alive())

    assert len(await claimer.next_wave() or []) == 1
    await asyncio.sleep(0.1)
    alive.cancel()
    assert queue.heartbeats >= 1


async def test_small_waves_come_no_faster_than_the_pace() -> None:
    queue = Queue(0)
    claimer = a_claimer(queue, pace=replace(PACE, small_waves_per_second=20, claim_ahead_jobs=99))
    began = time.monotonic()
    for _ in range(SMALL_WAVES_AT_ONCE + 4):
        queue.left.append(a_job())
        assert len(await claimer.next_wave() or ()) == 1

    assert time.monotonic() - began > 0.15


async def test_jobs_that_arrive_meanwhile_go_on_together() -> None:
    queue = Queue(0)
    claimer = a_claimer(queue, pace=replace(PACE, small_waves_per_second=5, claim_ahead_jobs=99))
    for _ in range(SMALL_WAVES_AT_ONCE):
        queue.left.append(a_job())
        await claimer.next_wave()
    queue.left.append(a_job())
    waiting = asyncio.create_task(claimer.next_wave())
    await asyncio.sleep(0.05)
    queue.left.append(a_job())

    assert len(await waiting or ()) == 2


async def test_full_waves_need_not_wait() -> None:
    queue = Queue(40)
    claimer = a_claimer(
        queue, pace=replace(PACE, small_waves_per_second=0.001, claim_ahead_jobs=99)
    )
    async with asyncio.timeout(5):
        sizes = [len(await claimer.next_wave() or ()) for _ in range(10)]

    assert sizes == [4] * 10
