"""A job: one wish to bring one generation of a document to one index version."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ingest.domain.errors import IllegalTransition
from ingest.domain.stage import Stage


class JobState(StrEnum):
    """What is happening to a job at its stage."""

    QUEUED = "queued"
    """Ready to be claimed once ``run_after`` has passed."""
    WORKING = "working"
    """Held under a lease."""
    WAITING = "waiting"
    """Parked for a named reason, with a deadline."""
    RETRYABLE = "retryable"
    """The last attempt failed; claimable again at ``run_after``."""
    DONE = "done"
    """Finished: the generation is published."""
    DEADLETTER = "deadletter"
    """Failed for good, or too often; a person decides."""
    CANCELLED = "cancelled"
    """Stopped by request, or superseded by a newer generation."""


FINAL_STATES = frozenset({JobState.DONE, JobState.DEADLETTER, JobState.CANCELLED})
CLAIMABLE_STATES = frozenset({JobState.QUEUED, JobState.RETRYABLE})

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.WORKING, JobState.WAITING, JobState.CANCELLED}),
    JobState.WORKING: frozenset(
        {
            JobState.QUEUED,
            JobState.WAITING,
            JobState.RETRYABLE,
            JobState.DONE,
            JobState.DEADLETTER,
            JobState.CANCELLED,
        }
    ),
    JobState.WAITING: frozenset({JobState.QUEUED, JobState.DEADLETTER, JobState.CANCELLED}),
    JobState.RETRYABLE: frozenset({JobState.WORKING, JobState.QUEUED, JobState.CANCELLED}),
    JobState.DONE: frozenset(),
    JobState.DEADLETTER: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.CANCELLED: frozenset(),
}
"""The one transition table; the database's trigger holds the same pairs, and a test compares."""


def ensure_transition(current: JobState, target: JobState) -> None:
    """Check a change of state against the table.

    Raises:
        IllegalTransition: the table does not allow it.
    """
    if target not in TRANSITIONS[current]:
        raise IllegalTransition(f"a job cannot go from {current.value!r} to {target.value!r}")


class Lane(StrEnum):
    """Which stream works on a job."""

    INTERACTIVE = "interactive"
    BACKFILL = "backfill"
    BATCH = "batch"
    """As backfill, but paid texts are embedded within a day, at a lower price."""


class WaitReason(StrEnum):
    """Why a job is waiting."""

    PROVIDER = "provider"
    BUDGET = "budget"
    PAUSED = "paused"
    """An operator has stopped calls to the provider that it needs."""
    PARSE = "parse"
    """A provider is parsing the document."""
    BATCH = "batch"
    """A provider embeds the document's texts within a day."""


class Cause(StrEnum):
    """Why there is a job."""

    UPLOAD = "upload"
    """Somebody handed the document over."""
    UPGRADE = "upgrade"
    """The live generation is degraded or outdated, and can be made better now."""


class Degraded(StrEnum):
    """What was made here because its provider was away: real, but not what was asked for."""

    PARSER = "parser"
    EMBEDDER = "embedder"


@dataclass(frozen=True, slots=True)
class Lease:
    """Time-limited exclusive right to write for one job; every pipeline write presents it."""

    job_id: UUID
    token: UUID
    """Issued anew by every claim; a write with an older one changes nothing."""


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """What a claim hands to the pipeline: the job, its document and the lease."""

    lease: Lease
    document_id: UUID
    tenant_id: UUID
    """The tenant."""
    lane: Lane
    generation: int
    """1-based; the generation of the document that this job publishes."""
    stage: Stage
    """The durable point from which to go on."""
    attempt: int
    """1-based number of this attempt."""
    filename: str
    media_type: str
    bytes_len: int
    name: str
    """Of the document."""
    raw_key: str | None
    """Blob key of its bytes; None while they are where the name says."""
    parsed_key: str | None
    """Blob key of the parsed document, once there is one."""
    correlation_id: str
    """Ties log lines and events to the request that caused the job."""
    cause: Cause = Cause.UPLOAD
    degraded: frozenset[Degraded] = frozenset()
    """What the job makes without its provider."""
    served_in: str | None = None
    """Label of the vector space that serves the tenant; None: the settings'."""

    @property
    def parses_by_fallback(self) -> bool:
        """Whether it does without the parsing provider, where that leads to a text."""
        return Degraded.PARSER in self.degraded

    @property
    def embeds_by_fallback(self) -> bool:
        """Whether it does without the embedding provider."""
        return Degraded.EMBEDDER in self.degraded
