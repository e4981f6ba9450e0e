"""Metrics for Prometheus: the backlog from the database, and the requests of this process."""

import asyncio
import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import prometheus_client
from prometheus_client import CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ingest.adapters.postgres.jobs.counter_store import CounterStore, DocumentCounts
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.pause_store import PauseStore
from ingest.adapters.postgres.jobs.queue_measures import QueueMeasures
from ingest.adapters.postgres.jobs.worker_store import WorkerStore, WorkerView
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.provider_batch_store import BatchCount, ProviderBatchStore
from ingest.adapters.postgres.search.index_store import IndexedSpace, IndexStore
from ingest.domain.batch_api import BatchStatus
from ingest.domain.errors import StoreUnavailable
from ingest.domain.job import JobState, Lane, WaitReason
from ingest.domain.pause import PauseKind
from ingest.domain.stage import Stage

FRESH_SECONDS = 2.0
"""How long a reading of the database is used again; longer when the reading itself was slow."""
# From a health check (5 ms) to the longest search that waits for a provider (60 s).
_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
_JOB_LABELS = ("lane", "stage", "state")


@dataclass(frozen=True, slots=True)
class _BacklogReading:
    jobs: Sequence[tuple[Lane, Stage, JobState, int]]
    oldest_due_seconds: dict[Lane, float]
    counts: DocumentCounts
    workers: Sequence[WorkerView]
    waiting: dict[WaitReason, int]
    stuck: dict[str, int]
    pauses: Counter[PauseKind]
    batches: Sequence[BatchCount]
    spaces: Sequence[IndexedSpace]


class Backlog(Collector):
    """The state of the system in the database; it is the same in every process."""

    def __init__(self, database: Database, *, stuck_after: timedelta) -> None:
        """Read nothing yet; a job counts as stuck when its next step is late by ``stuck_after``."""
        self._jobs = JobStore(database)
        self._counters = CounterStore(database)
        self._workers = WorkerStore(database)
        self._queue = QueueMeasures(database)
        self._pauses = PauseStore(database)
        self._batches = ProviderBatchStore(database)
        self._indexes = IndexStore(database)
        self._stuck_after = stuck_after
        self._snapshot: _BacklogReading | None = None
        self._fresh_until = 0.0
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> None:
        """Read the database, unless the last reading is fresh."""
        async with self._refreshing:
            started = time.monotonic()
            if started < self._fresh_until:
                return
            try:
                self._snapshot = await self._read()
            except StoreUnavailable:
                self._snapshot = None
            # Ten times the cost of a reading: readings never use over a tenth of the time.
            now = time.monotonic()
            self._fresh_until = now + max(FRESH_SECONDS, 10 * (now - started))

    async def _read(self) -> _BacklogReading:
        return _BacklogReading(
            jobs=await self._counters.jobs(),
            oldest_due_seconds=await self._jobs.oldest_due_seconds(),
            counts=await self._counters.documents(),
            workers=await self._workers.list_running(),
            waiting=await self._queue.waiting(),
            stuck=await self._queue.stuck(after=self._stuck_after),
            pauses=Counter(view.pause.kind for view in await self._pauses.list_all()),
            batches=await self._batches.count(),
            spaces=await self._indexes.spaces(),
        )

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The values of the last refresh; only ``ingest_database_up`` without a database."""
        snapshot = self._snapshot
        yield GaugeMetricFamily(
            "ingest_database_up", "1 when the database answered.", float(snapshot is not None)
        )
        if snapshot is None:
            return
        jobs = GaugeMetricFamily("ingest_jobs", "Number of jobs.", labels=_JOB_LABELS)
        for lane, stage, state, count in snapshot.jobs:
            jobs.add_metric((lane, stage, state), count)
        yield jobs
        oldest = GaugeMetricFamily(
            "ingest_oldest_due_seconds", "Age of the oldest claimable job.", labels=("lane",)
        )
        for lane in Lane:
            oldest.add_metric((lane,), snapshot.oldest_due_seconds.get(lane, 0.0))
        yield oldest
        counts = snapshot.counts
        yield GaugeMetricFamily("ingest_documents", "Published documents.", counts.documents)
        yield GaugeMetricFamily("ingest_chunks", "Published chunks.", counts.chunks)
        yield GaugeMetricFamily(
            "ingest_degraded_documents", "Documents that the local fallback made.", counts.degraded
        )
        workers = GaugeMetricFamily("ingest_workers", "Running streams.", labels=("lane",))
        for lane in Lane:
            alive = sum(worker.lane == lane and worker.is_alive for worker in snapshot.workers)
            workers.add_metric((lane,), alive)
        yield workers
        waiting = GaugeMetricFamily(
            "ingest_waiting_jobs", "Jobs that wait, by reason.", labels=("reason",)
        )
        for reason in WaitReason:
            waiting.add_metric((reason,), snapshot.waiting.get(reason, 0))
        yield waiting
        stuck = GaugeMetricFamily(
            "ingest_stuck_jobs", "Unfinished jobs that are stuck.", labels=("kind",)
        )
        for kind, count in snapshot.stuck.items():
            stuck.add_metric((kind,), count)
        yield stuck
        pauses = GaugeMetricFamily("ingest_pauses", "Pauses of operators.", labels=("kind",))
        for paused in PauseKind:
            pauses.add_metric((paused,), snapshot.pauses[paused])
        yield pauses
        batches = GaugeMetricFamily(
            "ingest_provider_batches", "Provider batches that are not over.", labels=("status",)
        )
        counted = {count.status: count.batches for count in snapshot.batches}
        for status in BatchStatus:
            if status is not BatchStatus.ENDED:
                batches.add_metric((status,), counted.get(status, 0))
        yield batches
        yield _recall(snapshot.spaces)


def _recall(spaces: Iterable[IndexedSpace]) -> GaugeMetricFamily:
    """Of spaces in which tenants were measured; tenants are no label, there may be many."""
    recall = GaugeMetricFamily(
        "ingest_search_recall",
        "Share of the ten nearest chunks that search finds, over the measured tenants.",
        labels=("model", "tenants"),
    )
    for space in spaces:
        if space.mean_recall is not None and space.worst_recall is not None:
            label = f"{space.embed_model}@{space.embed_version}"
            recall.add_metric((label, "mean"), space.mean_recall)
            recall.add_metric((label, "worst"), space.worst_recall)
    return recall


class MetricSource(Protocol):
    """A source of metrics that is refreshed before each scrape."""

    async def refresh(self) -> None:
        """Read the current values."""
        ...

    def collect(self) -> Iterable[Metric]:
        """The values of the last refresh."""
        ...


class Metrics:
    """All metrics of /metrics."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._sources: list[MetricSource] = []
        # One series for each process, because each scrape may reach another replica.
        self._replica = f"{socket.gethostname()}:{os.getpid()}"
        labels = ("replica", "method", "route", "status")
        self._requests = prometheus_client.Counter(
            "ingest_http_requests", "Requests answered.", labels, registry=self._registry
        )
        self._durations = Histogram(
            "ingest_http_request_duration_seconds",
            "Time from the request's head to the answer's end.",
            labels[:3],
            registry=self._registry,
            buckets=_BUCKETS,
        )

    def show(self, source: MetricSource) -> None:
        """Add a source to /metrics."""
        self._sources.append(source)
        self._registry.register(source)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            method: A known HTTP method, or OTHER.
            route: Template of the path, never the path.
            status: HTTP status; 499 when the client went away first.
            seconds: How long it took.
        """
        self._requests.labels(self._replica, method, route, str(status)).inc()
        self._durations.labels(self._replica, method, route).observe(seconds)

    async def text(self) -> bytes:
        """Write all metrics in Prometheus' text format."""
        for source in self._sources:
            await source.refresh()
        return generate_latest(self._registry)
