"""Jobs that wait for a parse, a budget or the end of a pause are tried again."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from ingest.domain.job import WaitReason

INTERVAL = 5.0
"""Seconds. What ends a wait wakes its jobs itself: a parse, a higher budget, a pause that is
lifted. This finds what was missed, and budgets that a new day makes free."""
_MOST = 1000


class WakesJobs(Protocol):
    """The queue, as far as waiting jobs need it."""

    async def wake(self, reason: WaitReason, *, limit: int) -> int:
        """Return to the queue jobs that wait for this and are due to be tried again."""
        ...

    async def hasten(self, reason: WaitReason) -> None:
        """Let jobs that wait for this be tried again at once."""
        ...


class WakeWaiting:
    """Returns waiting jobs to the queue, for three of the five reasons to wait.

    For a provider that is away: ``wake_provider``. For a provider batch: ``poll_batches``, which
    knows when it is over.

    If it never ran, a job that was about to wait while its parse ended, its budget was raised or
    the pause was lifted would wait until its deadline and fail; and no budget's new day would
    start anything. Survives a database that is away.
    """

    name = "wake_waiting"
    failed = "waiting jobs not woken"

    def __init__(
        self,
        jobs: WakesJobs,
        calls_are_paused: Callable[[], Awaitable[bool]],
        *,
        interval: float = INTERVAL,
    ) -> None:
        """Of this queue; ``calls_are_paused`` says whether a provider is paused."""
        self.interval = interval
        self._jobs = jobs
        self._calls_are_paused = calls_are_paused

    async def run_once(self) -> None:
        """Wake up to a thousand for each reason; see ``Duty``."""
        await self._jobs.wake(WaitReason.PARSE, limit=_MOST)
        await self._jobs.wake(WaitReason.BUDGET, limit=_MOST)
        if not await self._calls_are_paused():
            await self._jobs.hasten(WaitReason.PAUSED)  # it was lifted while they went to wait
        await self._jobs.wake(WaitReason.PAUSED, limit=_MOST)
