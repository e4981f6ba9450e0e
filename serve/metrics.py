"""Numbers for Prometheus: the backlog from the database, requests from this process."""

import asyncio
import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ingest.adapters.postgres.document_store import DocumentCounts, DocumentStore
from ingest.adapters.postgres.job_store import JobStore
from ingest.adapters.postgres.worker_store import WorkerStore, WorkerView
from ingest.domain.errors import StoreUnavailable
from ingest.domain.job import JobState, Lane
from ingest.domain.stage import Stage

from .workers import is_alive

FRESH_SECONDS = 2.0
"""For how long numbers from the database are good; longer when they took long to get."""
_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
_JOB_LABELS = ("lane", "stage", "state")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    jobs: Sequence[tuple[Lane, Stage, JobState, int]]
    oldest_due_seconds: dict[Lane, float]
    counts: DocumentCounts
    workers: Sequence[WorkerView]


class Backlog(Collector):
    """The state of the system as the database knows it, whichever process is asked."""

    def __init__(self, jobs: JobStore, documents: DocumentStore, workers: WorkerStore) -> None:
        self._jobs = jobs
        self._documents = documents
        self._workers = workers
        self._snapshot: _Snapshot | None = None
        self._fresh_until = 0.0
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> None:
        """Ask the database, unless that was done a moment ago."""
        async with self._refreshing:
            started = time.monotonic()
            if started < self._fresh_until:
                return
            try:
                self._snapshot = await self._read()
            except StoreUnavailable:
                self._snapshot = None
            now = time.monotonic()
            self._fresh_until = now + max(FRESH_SECONDS, 10 * (now - started))

    async def _read(self) -> _Snapshot:
        return _Snapshot(
            jobs=await self._jobs.count_by_state(),
            oldest_due_seconds=await self._jobs.oldest_due_seconds(),
            counts=await self._documents.count(),
            workers=await self._workers.list_running(),
        )

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The numbers of the last refresh; of the database only that it is away, if it is."""
        snapshot = self._snapshot
        yield GaugeMetricFamily(
            "ingest_database_up", "1 when the database answered.", float(snapshot is not None)
        )
        if snapshot is None:
            return
        jobs = GaugeMetricFamily("ingest_jobs", "Jobs there are.", labels=_JOB_LABELS)
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
            "ingest_degraded_documents", "Published without their provider.", counts.degraded
        )
        workers = GaugeMetricFamily("ingest_workers", "Living streams.", labels=("lane",))
        for lane in Lane:
            alive = sum(worker.lane == lane and is_alive(worker) for worker in snapshot.workers)
            workers.add_metric((lane,), alive)
        yield workers


class Source(Protocol):
    """Numbers that have to be asked for before they are shown."""

    async def refresh(self) -> None:
        """Ask."""
        ...

    def collect(self) -> Iterable[Metric]:
        """What the answer was."""
        ...


class Metrics:
    """Everything that /metrics shows."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._sources: list[Source] = []
        # One series for each process: a scrape meets another replica each time.
        self._replica = f"{socket.gethostname()}:{os.getpid()}"
        labels = ("replica", "method", "route", "status")
        self._requests = Counter(
            "ingest_http_requests", "Requests answered.", labels, registry=self._registry
        )
        self._durations = Histogram(
            "ingest_http_request_duration_seconds",
            "Time from the request's head to the answer's end.",
            labels[:3],
            registry=self._registry,
            buckets=_BUCKETS,
        )

    def show(self, source: "Source") -> None:
        """Show these numbers, too, from now on."""
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
        """All numbers, in Prometheus' text format."""
        for source in self._sources:
            await source.refresh()
        return generate_latest(self._registry)
