"""Keeps one stream of a lane alive, and returns to the queue what dead streams held."""

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, date, datetime
from typing import cast
from uuid import UUID, uuid4

import ray
from ray.actor import ActorHandle

import ingest
from ingest import logs, settings
from ingest.adapters.postgres.jobs.counter_store import CounterStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.pause_store import PauseStore
from ingest.adapters.postgres.jobs.retention_store import RetentionStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.app.maintenance.prune import Pruner
from ingest.app.queue import fallback
from ingest.cluster import stream
from ingest.cluster.background_loop import BackgroundLoop
from ingest.cluster.local_ray import NAMESPACE
from ingest.cluster.rate_limiter_actor import SharedRateLimiter
from ingest.domain.circuit_breaker import BreakerState
from ingest.domain.errors import ConfigurationError, StoreUnavailable
from ingest.domain.job import Degraded, Lane, WaitReason
from ingest.domain.pause import calls_held_by
from ingest.domain.pricing import Period, Purpose, first_day
from ingest.wiring import provider_batches
from ingest.wiring.parsing import make_parse_poller
from ingest.wiring.providers import provided
from ingest.wiring.storage import open_blobs, open_database

log = logs.get(__name__)
SILENT_SECONDS = 10.0
"""A stream beats every two seconds; one that is silent for this long is taken for dead."""
RECYCLE_BLOCKS = 50_000
"""Blocks after which a stream is replaced: the dataflow keeps about 2 KB for each of them."""
_RESTART_SECONDS = 1.0
_POLL_SECONDS = 0.05
_TRIES = 5
_WAKE = 1000
_PROBES = 2
_COLLECT_SECONDS = 0.5
_HANGS_SECONDS = 60.0
_SWEEP_SECONDS = 60.0
_PRUNE_SECONDS = 3600.0


class _Supervisor:
    """Runs inside an actor that Ray restarts; all it must remember is in the database."""

    def __init__(self, lane: str) -> None:
        self._settings = settings.load()
        logs.configure(self._settings.log_level)
        self._lane = Lane(lane)
        self._loop = BackgroundLoop()
        database = open_database(self._settings)
        self._jobs = JobStore(database)
        self._workers = WorkerStore(database)
        self._ledger = LedgerStore(database)
        self._pauses = PauseStore(database)
        self._tallies = CounterStore(database)
        self._rate_limiter = SharedRateLimiter()
        self._provided = provided(self._settings)
        self._were_away: set[str] = set()
        self._draining = threading.Event()
        self._current: UUID | None = None
        self._flows = False
        self._warned: set[tuple[UUID, Purpose, Period, date]] = set()
        self._low_latency = stream.configure(self._settings)
        self._loop.spawn(self._watch())
        # Not here: Ray never restarts an actor whose constructor failed.
        self._loop.spawn(self._do_chores(database))
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
        """Rescue jobs for ever; step down when the own stream is silent but does not end."""
        while True:
            try:
                rescued = await self._jobs.rescue(max_rescues=self._settings.max_rescues)
                if rescued:
                    log.warning("jobs rescued", jobs=len(rescued))
                await self._wake()
                await self._ledger.expire()
                await self._tallies.fold()
                await self._warn()
                await self._look_at_workers()
            except StoreUnavailable as exc:
                log.warning("rescue failed", code=exc.code)
            await asyncio.sleep(self._settings.rescue_interval_seconds)

    async def _do_chores(self, database: Database) -> None:
        """What needs the blob storage, which may be away at this moment; for ever."""
        while True:
            try:
                blobs, chores = open_blobs(self._settings), []
                if Degraded.PARSER in self._provided:
                    collect = make_parse_poller(self._settings, database).collect
                    chores.append(
                        self._repeat(collect, every=_COLLECT_SECONDS, failed="parses not collected")
                    )
                break
            except ConfigurationError as exc:
                log.warning("chores not begun", code=exc.code, detail=exc.message)
                await asyncio.sleep(_RESTART_SECONDS)
        if self._settings.calls_openai:
            chores += self._of_batches(database)
        pruner = Pruner(RetentionStore(database), blobs, self._settings.retention)
        chores.append(self._repeat(pruner.sweep, every=_PRUNE_SECONDS, failed="not pruned"))
        await asyncio.gather(*chores)

    def _of_batches(self, database: Database) -> list[Coroutine[None, None, None]]:
        submitter = provider_batches.make_batch_submitter(
            self._settings, database, self._rate_limiter
        )
        collector = provider_batches.make_batch_poller(self._settings, database)
        return [
            self._repeat(submitter.submit, every=_COLLECT_SECONDS, failed="batches not submitted"),
            self._repeat(collector.collect, every=_COLLECT_SECONDS, failed="batches not collected"),
            self._repeat(collector.sweep, every=_SWEEP_SECONDS, failed="texts not swept"),
        ]

    async def _repeat(
        self, work: Callable[[], Awaitable[object]], *, every: float, failed: str
    ) -> None:
        """Do something for ever; a failure is noted and tried again in its turn."""
        while True:
            try:
                await work()
            except StoreUnavailable as exc:
                log.warning(failed, code=exc.code)
            except Exception:
                log.exception(failed)
            await asyncio.sleep(every)

    async def _wake(self) -> None:
        """Let jobs look again that wait; only a few while a provider's keys do not work."""
        away = await self._away() if self._provided else set()
        if self._were_away - away:
            await self._jobs.hasten(WaitReason.PROVIDER)  # one that was away is back
        self._were_away = away
        await self._jobs.wake(WaitReason.PROVIDER, limit=_PROBES if away else _WAKE)
        await self._jobs.wake(WaitReason.PARSE, limit=_WAKE)
        await self._jobs.wake(WaitReason.BUDGET, limit=_WAKE)
        if not calls_held_by(view.pause for view in await self._pauses.list_all()):
            await self._jobs.hasten(WaitReason.PAUSED)  # it was lifted while they went to wait
        await self._jobs.wake(WaitReason.PAUSED, limit=_WAKE)
        if self._provided:
            await fallback.upgrade(self._jobs, self._provided, away)

    async def _away(self) -> set[str]:
        """Providers of which no key works."""
        health = await self._rate_limiter.health()
        works = {key.provider for key in health if key.breaker is BreakerState.CLOSED}
        return {key.provider for key in health} - works

    async def _warn(self) -> None:
        """Say once a period that a budget is over its soft limit."""
        over = {
            (
                budget.tenant_id,
                budget.purpose,
                budget.period,
                first_day(budget.period, datetime.now(UTC).date()),
            )
            for budget in await self._ledger.budgets()
            if budget.over_soft
        }
        for tenant_id, purpose, period, since in over - self._warned:
            log.warning(
                "budget is over its soft limit",
                tenant_id=tenant_id,
                purpose=purpose,
                period=period,
                day=since,
            )
        self._warned = over

    async def _look_at_workers(self) -> None:
        for worker in await self._workers.list_running():
            if worker.worker_id == self._current:
                if worker.silent_seconds > max(self._settings.lease_seconds, _HANGS_SECONDS):
                    log.error("stream hangs", lane=self._lane, worker_id=worker.worker_id)
                    os._exit(1)  # Ray restarts the actor, which starts a new stream
            elif worker.silent_seconds > SILENT_SECONDS:
                await self._end(worker.worker_id)


Supervisor = ray.remote(_Supervisor)


def actor_name(lane: Lane) -> str:
    """The name of a lane's supervisor in the cluster."""
    return f"supervisor-{lane}"


def start(lane: Lane, *, name: str | None = None) -> ActorHandle[_Supervisor]:
    """Start the supervisor of a lane, or find the one that runs; ``name`` makes another one."""
    handle = Supervisor.options(
        name=name or actor_name(lane),
        namespace=NAMESPACE,
        get_if_exists=True,
        max_restarts=-1,
        max_concurrency=4,
        num_cpus=0.01,
    ).remote(lane.value)
    return cast("ActorHandle[_Supervisor]", handle)


def wait_until_it_flows(supervisor: ActorHandle[_Supervisor], *, longest: float) -> bool:
    """Wait until something went through all stages; False when nothing did in so many seconds."""
    deadline = time.monotonic() + longest
    while time.monotonic() < deadline:
        with contextlib.suppress(ray.exceptions.RayError):  # Ray restarts a supervisor
            if ray.get(supervisor.flows.remote(), timeout=longest):
                return True
        time.sleep(_POLL_SECONDS)
    return False


def drain(supervisor: ActorHandle[_Supervisor], *, longest: float) -> None:
    """Let a stream finish what it holds, for at most so many seconds."""
    with contextlib.suppress(ray.exceptions.RayError):
        ray.get(supervisor.drain.remote(longest), timeout=longest + 10)
