"""Taking jobs for a stream, at the pace at which the stream finishes them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from ingest.domain.errors import StoreUnavailable
from ingest.domain.heartbeat import HEARTBEAT, RENEWALS_PER_LEASE
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.job import ClaimedJob, Lane

log = structlog.get_logger(module=__name__)
IDLE = timedelta(seconds=1)
"""Longest sleep without jobs; a new job ends it by a notification, a due retry does not."""
FULL = timedelta(milliseconds=25)
"""Sleep while the stream holds all the jobs it may."""
SMALL_WAVES_AT_ONCE = 4
"""Waves that are not full and need not wait, after a while without any."""


class ClaimsJobs(Protocol):
    """The queue, as a stream needs it."""

    async def claim(
        self, lane: Lane, *, after: UUID, limit: int, worker_id: UUID, lease: timedelta
    ) -> list[ClaimedJob]:
        """Take up to ``limit`` jobs under new leases, in turns between tenants.

        Args:
            lane: Which queue.
            after: The tenant served last; the round goes on behind it and ends with it.
            limit: Most jobs to take.
            worker_id: Who will hold the leases.
            lease: How long they last without a heartbeat.
        """
        ...

    async def count_working(self, worker_id: UUID) -> int:
        """Unfinished jobs that a worker holds."""
        ...

    async def heartbeat(
        self, worker_id: UUID, *, lease: timedelta, stage_timeout: timedelta
    ) -> None:
        """Extend a worker's leases, but not of jobs without progress for ``stage_timeout``."""
        ...


@dataclass(frozen=True, slots=True)
class ClaimPace:
    """How much a stream takes, and for how long."""

    wave_jobs: int
    """Most jobs in one claim."""
    small_waves_per_second: float
    """Most waves a second that are not full: each costs as much as a full one, so jobs that
    arrive one by one, but fast, had better go on together."""
    claim_ahead_jobs: int
    """Most unfinished jobs a stream holds."""
    lease: timedelta
    stage_timeout: timedelta
    """Without progress for this long, a job's lease is not extended any more."""

    @property
    def least_room(self) -> int:
        """Jobs that a stream must lack before it claims again; with less it has enough to do.

        One that took the place of each job as it ends would move single jobs, where a wave of
        many costs it hardly more.
        """
        return min(self.wave_jobs, max(1, self.claim_ahead_jobs // 4))


class Claimer:
    """Claims waves of jobs for one stream, and keeps their leases alive."""

    def __init__(
        self,
        jobs: ClaimsJobs,
        *,
        lane: Lane,
        worker_id: UUID,
        pace: ClaimPace,
        wait_for_jobs: Callable[[timedelta], Awaitable[None]],
        beat: Callable[[], Awaitable[bool]],
    ) -> None:
        """Begin.

        Args:
            jobs: The queue.
            lane: Which jobs.
            worker_id: Under which name they are leased.
            pace: How many.
            wait_for_jobs: Returns when there may be a job, at the latest after the given time.
            beat: Says that the stream is alive; returns whether it is asked to drain.
        """
        self._jobs = jobs
        self._lane = lane
        self._worker_id = worker_id
        self._pace = pace
        self._wait_for_jobs = wait_for_jobs
        self._beat = beat
        self._after = ALL_TENANTS
        self._draining = asyncio.Event()
        self._small_waves = float(SMALL_WAVES_AT_ONCE)
        self._counted_at = time.monotonic()

    async def next_wave(self) -> list[ClaimedJob] | None:
        """The next jobs, one to ``wave_jobs``, as soon as there are any; None to drain."""
        while not self._draining.is_set():
            try:
                await self._gather()
                held = await self._jobs.count_working(self._worker_id)
                room = min(self._pace.wave_jobs, self._pace.claim_ahead_jobs - held)
                has_room = room >= self._pace.least_room
                wave = await self._claim(room) if has_room else []
                if wave:
                    self._small_waves -= len(wave) < self._pace.wave_jobs
                    return wave
                await self._pause(IDLE if has_room else FULL)
            except StoreUnavailable as exc:
                log.warning("claim failed", code=exc.code)
                await asyncio.sleep(1)
        return None

    async def _gather(self) -> None:
        """Let jobs gather while there were too many small waves recently."""
        rate, now = self._pace.small_waves_per_second, time.monotonic()
        earned = rate * (now - self._counted_at)
        self._small_waves = min(SMALL_WAVES_AT_ONCE, self._small_waves + earned)
        self._counted_at = now
        await asyncio.sleep(max(0.0, 1 - self._small_waves) / rate)

    async def _claim(self, limit: int) -> list[ClaimedJob]:
        wave = await self._jobs.claim(
            self._lane,
            after=self._after,
            limit=limit,
            worker_id=self._worker_id,
            lease=self._pace.lease,
        )
        if wave:
            self._after = wave[-1].tenant_id
        return wave

    async def _pause(self, longest: timedelta) -> None:
        if longest is FULL:
            await asyncio.sleep(FULL.total_seconds())
            return
        draining = asyncio.ensure_future(self._draining.wait())
        ringing = asyncio.ensure_future(self._wait_for_jobs(longest))
        try:
            await asyncio.wait({draining, ringing}, return_when=asyncio.FIRST_COMPLETED)
            if ringing.done():
                ringing.result()
        finally:
            draining.cancel()
            ringing.cancel()

    async def keep_alive(self) -> None:
        """Give signs of life and extend leases until cancelled; notices the wish to drain."""
        since_heartbeat = timedelta()
        while True:
            try:
                if await self._beat():
                    self._draining.set()
                if since_heartbeat >= self._pace.lease / RENEWALS_PER_LEASE:
                    await self._jobs.heartbeat(
                        self._worker_id,
                        lease=self._pace.lease,
                        stage_timeout=self._pace.stage_timeout,
                    )
                    since_heartbeat = timedelta()
            except StoreUnavailable as exc:
                log.warning("heartbeat failed", code=exc.code)
            pause = min(HEARTBEAT, self._pace.lease / RENEWALS_PER_LEASE)
            await asyncio.sleep(pause.total_seconds())
            since_heartbeat += pause
