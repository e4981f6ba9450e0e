"""What silent streams hold goes back to the queue."""

from collections.abc import Callable, Collection
from typing import Protocol
from uuid import UUID

import structlog

log = structlog.get_logger(module=__name__)
INTERVAL = 5.0
"""Seconds; half of the silence after which a stream is taken for dead, so that it is noticed after
15 seconds at the latest."""


class WorkerSeen(Protocol):
    """A stream that did not end."""

    @property
    def worker_id(self) -> UUID:
        """Which one."""
        ...

    @property
    def is_alive(self) -> bool:
        """Whether it was heard of lately; see ``domain.heartbeat``."""
        ...


class ListsWorkers(Protocol):
    """The register of streams."""

    async def list_running(self) -> Collection[WorkerSeen]:
        """Streams that did not end."""
        ...

    async def stop(self, worker_id: UUID) -> None:
        """A stream ended."""
        ...


class ReleasesJobs(Protocol):
    """The queue, as far as the end of a stream needs it."""

    async def release(self, worker_id: UUID, *, died: bool, max_rescues: int) -> list[UUID]:
        """Give back at once what a stream holds; returns the jobs."""
        ...


class EndSilentWorkers:
    """Ends streams that died without a word, and returns their jobs.

    Never this process's own stream: its supervisor is here, and knows better whether it runs. If
    it never ran, the jobs of a dead supervisor's stream would stay where they are until their
    leases run out, a minute instead of ten seconds. Survives a database that is away.
    """

    name = "end_silent_workers"
    failed = "silent workers not ended"

    def __init__(
        self,
        workers: ListsWorkers,
        jobs: ReleasesJobs,
        *,
        max_rescues: int,
        own: Callable[[], UUID | None],
        interval: float = INTERVAL,
    ) -> None:
        """Of this register.

        Args:
            workers: Where streams are registered.
            jobs: What they hold.
            max_rescues: Rescues after which a job ends in the dead letter.
            own: The stream of this process, if there is one now.
            interval: Seconds between two runs.
        """
        self.interval = interval
        self._workers = workers
        self._jobs = jobs
        self._max_rescues = max_rescues
        self._own = own

    async def run_once(self) -> None:
        """End all that are silent; see ``Duty``."""
        for worker in await self._workers.list_running():
            if worker.worker_id != self._own() and not worker.is_alive:
                await self._end(worker.worker_id)

    async def _end(self, worker_id: UUID) -> None:
        released = await self._jobs.release(worker_id, died=True, max_rescues=self._max_rescues)
        await self._workers.stop(worker_id)
        log.warning("silent stream ended", worker_id=worker_id, released=len(released))
