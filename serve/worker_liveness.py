"""Finds the lanes that have a running stream."""

from collections.abc import Iterable

from ingest.adapters.postgres.jobs.worker_store import WorkerView
from ingest.domain.job import Lane

SILENT_SECONDS = 15.0
"""A stream sends a heartbeat every two seconds; after this silence it counts as dead."""


def is_alive(worker: WorkerView) -> bool:
    """Whether the last heartbeat of a stream is recent."""
    return worker.silent_seconds < SILENT_SECONDS


def working_lanes(workers: Iterable[WorkerView]) -> frozenset[Lane]:
    """Lanes whose jobs a running stream takes."""
    return frozenset(worker.lane for worker in workers if is_alive(worker) and not worker.draining)
