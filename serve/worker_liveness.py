"""Which lanes are worked on at this moment."""

from collections.abc import Iterable

from ingest.adapters.postgres.jobs.worker_store import WorkerView
from ingest.domain.job import Lane

SILENT_SECONDS = 15.0
"""A stream beats every two seconds; one that was silent for longer than this counts as dead."""


def is_alive(worker: WorkerView) -> bool:
    """Whether a stream was heard of lately."""
    return worker.silent_seconds < SILENT_SECONDS


def working_lanes(workers: Iterable[WorkerView]) -> frozenset[Lane]:
    """Lanes of which a living stream takes jobs."""
    return frozenset(worker.lane for worker in workers if is_alive(worker) and not worker.draining)
