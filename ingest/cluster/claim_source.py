"""The head of the stream: a generator that claims jobs as long as the stream lives."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from uuid import UUID

import pyarrow as pa
from ray.data import Datasource, ReadTask
from ray.data.block import BlockMetadata

from ingest import logs, settings
from ingest.adapters.postgres.jobs.job_listener import JobListener
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database
from ingest.app.queue.claim import Claimer
from ingest.cluster.background_loop import BackgroundLoop
from ingest.cluster.envelope import seal
from ingest.domain.errors import StoreUnavailable
from ingest.domain.job import Lane
from ingest.settings import Settings
from ingest.wiring.pipeline import pace
from ingest.wiring.storage import open_database

_POLL_SECONDS = 0.05


class ClaimSource(Datasource):
    """One endless read task; each block it yields is a wave of claimed jobs."""

    def __init__(self, lane: Lane, worker_id: UUID) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._lane = lane
        self._worker_id = worker_id

    def get_name(self) -> str:
        """The operator's name in the dashboard."""
        return "Claim"

    def estimate_inmemory_data_size(self) -> int | None:
        """Unknown: the source has no end."""
        return None

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: object = None
    ) -> list[ReadTask]:
        """One task, whatever parallelism is asked for."""
        read: Callable[[], Iterable[pa.Table]] = partial(read_waves, self._lane, self._worker_id)
        metadata = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None)
        return [ReadTask(read, metadata)]


def read_waves(lane: Lane, worker_id: UUID) -> Iterator[pa.Table]:
    """Claim until asked to drain; then keep the leases alive until the stream is empty.

    The claimer works in a thread of its own, so leases are kept alive while Ray holds this
    generator back.
    """
    configured = settings.load()
    logs.configure(configured.log_level)
    with BackgroundLoop() as loop:
        database = open_database(configured, plans_once=True)
        claimer = _claimer(configured, database, lane, worker_id)
        loop.spawn(claimer.keep_alive())
        try:
            yield seal([])  # through all stages: it starts what they need, and shows that they run
            while (wave := loop.run(claimer.next_wave())) is not None:
                yield seal(wave)
            loop.run(_empty(JobStore(database), worker_id, configured.drain_timeout_seconds))
        finally:
            loop.run(database.close())


def _claimer(configured: Settings, database: Database, lane: Lane, worker_id: UUID) -> Claimer:
    workers = WorkerStore(database)
    return Claimer(
        JobStore(database),
        lane=lane,
        worker_id=worker_id,
        pace=pace(configured),
        wait_for_jobs=JobListener(database, lane).wait,
        beat=lambda: workers.beat(worker_id),
    )


async def _empty(jobs: JobStore, worker_id: UUID, longest: float) -> None:
    """Return once the stream holds nothing more, at the latest after ``longest`` seconds."""
    deadline = time.monotonic() + longest
    while time.monotonic() < deadline:
        try:
            if not await jobs.count_working(worker_id):
                return
        except StoreUnavailable:
            await asyncio.sleep(1)
        await asyncio.sleep(_POLL_SECONDS)
