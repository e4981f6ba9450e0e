"""Keeps one stream of a lane alive, and returns to the queue what it held when it ended."""

import asyncio
import contextlib
import os
import socket
import threading
import time
from uuid import UUID, uuid4

import ray

import ingest
from ingest import logs, settings
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database
from ingest.cluster import stream
from ingest.cluster.background_loop import BackgroundLoop
from ingest.cluster.rate_limiter_actor import SharedRateLimiter
from ingest.domain.errors import ConfigurationError, StoreUnavailable
from ingest.domain.job import Lane
from ingest.wiring import maintenance
from ingest.wiring.storage import open_database

log = logs.get(__name__)
RECYCLE_BLOCKS = 50_000
"""Blocks after which a stream is replaced: the dataflow keeps about 2 KB for each of them."""
_RESTART_SECONDS = 1.0
_TRIES = 5
_HANGS_SECONDS = 60.0
"""A stream that is silent for this long, and for a lease, will not come back. Sooner would end one
that a busy machine or a database that is away keeps from its heartbeat."""
_WATCH_SECONDS = 5.0
"""Between two checks of the own stream's heartbeat; a twelfth of the silence that is waited for."""
_GIVE_UP_SECONDS = 3.0


class Supervisor:
    """Runs inside an actor that Ray restarts; all it must remember is in the database.

    The periodic duties of the whole system run beside the stream, in whichever supervisor holds
    their leases; see ``app.maintenance``.
    """

    def __init__(self, lane: str) -> None:
        self._settings = settings.load()
        logs.configure(self._settings.log_level)
        self._lane = Lane(lane)
        self._loop = BackgroundLoop()
        database = open_database(self._settings)
        self._jobs = JobStore(database)
        self._workers = WorkerStore(database)
        self._rate_limiter = SharedRateLimiter()
        self._maintenance = maintenance.make_runner(
            database, holder=f"{socket.gethostname()}/{os.getpid()} ({lane})"
        )
        self._draining = threading.Event()
        self._current: UUID | None = None
        self._flows = False
        self._hangs_after = max(self._settings.lease_seconds, _HANGS_SECONDS)
        self._low_latency = stream.configure(self._settings)
        self._loop.spawn(self._watch())
        # Not here: Ray never restarts an actor whose constructor failed.
        self._beginning = self._loop.spawn(self._maintain(database))
        self._thread = threading.Thread(target=self._run_streams, daemon=True)
        self._thread.start()

    def flows(self) -> bool:
        """Whether something went through all stages of the present stream."""
        return self._flows

    def drain(self, longest: float) -> bool:
        """Claim nothing more, finish what is held; True when nothing was left over in time."""
        self._draining.set()
        self._ask_to_drain()
        self._thread.join(longest)
        self._stop_maintenance()
        return not self._thread.is_alive()

    def _ask_to_drain(self) -> None:
        if self._current is not None:
            with contextlib.suppress(StoreUnavailable):
                self._loop.run(self._workers.drain(self._current))

    def _run_streams(self) -> None:
        while not self._draining.is_set():
            try:
                self._run_stream(uuid4())
            except StoreUnavailable as exc:
                log.warning("stream not started", lane=self._lane, code=exc.code)
                self._draining.wait(_RESTART_SECONDS)

    def _run_stream(self, worker_id: UUID) -> None:
        database = self._loop.run(self._workers.database_name())
        self._loop.run(
            self._workers.register(
                worker_id,
                self._lane,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=ingest.__version__,
            )
        )
        self._current = worker_id
        log.info(
            "stream started",
            lane=self._lane,
            worker_id=worker_id,
            low_latency=self._low_latency,
            database=database,
        )
        try:
            for count, _ in enumerate(stream.run(self._lane, worker_id, self._settings), start=1):
                self._flows = True
                if count == RECYCLE_BLOCKS or self._draining.is_set():
                    self._ask_to_drain()
        except Exception:
            log.exception("stream failed", lane=self._lane, worker_id=worker_id)
        finally:
            self._current, self._flows = None, False
            self._bury(worker_id)

    def _bury(self, worker_id: UUID) -> None:
        """Return what an ended stream held; leases that this cannot reach run out."""
        for _ in range(_TRIES):
            try:
                self._loop.run(self._end(worker_id))
                return
            except StoreUnavailable:
                time.sleep(_RESTART_SECONDS)

    async def _end(self, worker_id: UUID) -> None:
        released = await self._jobs.release(
            worker_id,
            died=not self._draining.is_set(),
            max_rescues=self._settings.max_rescues,
        )
        await self._workers.stop(worker_id)
        log.info("stream ended", lane=self._lane, worker_id=worker_id, released=len(released))

    async def _watch(self) -> None:
        """Step down when the own stream is silent but does not end.

        Of each stream by its own supervisor: another one cannot tell a stream that hangs from one
        whose machine is lost, nor end this process.
        """
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                running = await self._workers.list_running()
            except StoreUnavailable as exc:
                log.warning("stream not checked", code=exc.code)
                continue
            for worker in running:
                if worker.worker_id == self._current and worker.silent_seconds > self._hangs_after:
                    log.error("stream hangs", lane=self._lane, worker_id=worker.worker_id)
                    os._exit(1)  # Ray restarts the actor, which starts a new stream

    async def _maintain(self, database: Database) -> None:
        """Begin the periodic duties; those that need what may be away at this moment, later."""
        runtime = ray.get_runtime_context()
        self._maintenance.start(
            maintenance.queue_duties(
                self._settings,
                database,
                self._rate_limiter,
                cluster=str(runtime.gcs_address),
                own=lambda: self._current,
            )
        )
        while True:
            try:
                duties = maintenance.outside_duties(self._settings, database, self._rate_limiter)
                break
            except ConfigurationError as exc:
                log.warning("chores not begun", code=exc.code, detail=exc.message)
            except Exception:
                log.exception("chores not begun")
            await asyncio.sleep(_RESTART_SECONDS)
        self._maintenance.start(duties)

    def _stop_maintenance(self) -> None:
        """Let another supervisor do it at once, instead of once the leases end."""
        with contextlib.suppress(StoreUnavailable, TimeoutError):
            self._loop.run(asyncio.wait_for(self._end_maintenance(), _GIVE_UP_SECONDS))

    async def _end_maintenance(self) -> None:
        self._beginning.cancel()
        await self._maintenance.stop()
