"""A job: brings one generation of a document to one index version."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ingest.domain.errors import IllegalTransition
from ingest.domain.stage import Stage


class JobState(StrEnum):
    """The state of a job at its stage."""

    QUEUED = "queued"
    """Ready to be claimed once ``run_after`` has passed."""
    WORKING = "working"
    """A worker holds it under a lease."""
    WAITING = "waiting"
    """It waits for a named reason, with a deadline."""
    RETRYABLE = "retryable"
    """The last attempt failed; claimable again at ``run_after``."""
    DONE = "done"
    """Its generation is published."""
    DEADLETTER = "deadletter"
    """It failed for good, or too often; a person decides."""
    CANCELLED = "cancelled"
    """It was stopped by request, or replaced by a newer generation."""


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
"""The table of allowed transitions; a database trigger has the same pairs, and a test compares."""


def ensure_transition(current: JobState, target: JobState) -> None:
    """Check a change of state against the table.

    Raises:
        IllegalTransition: the table does not allow it.
    """
    if target not in TRANSITIONS[current]:
        raise IllegalTransition(f"a job cannot go from {current.value!r} to {target.value!r}")


class Lane(StrEnum):
    """The lane of a job; each lane has its own stream."""

    INTERACTIVE = "interactive"
    BACKFILL = "backfill"
    BATCH = "batch"
    """Like backfill, but a provider embeds the texts within a day, at a lower price."""


class WaitReason(StrEnum):
    """The reason why a job waits."""

    PROVIDER = "provider"
    BUDGET = "budget"
    PAUSED = "paused"
    """An operator has stopped calls to the provider that it needs."""
    PARSE = "parse"
    """A provider is parsing the document."""
    BATCH = "batch"
    """A provider embeds the document's texts within a day."""


class Cause(StrEnum):
    """The reason why a job exists."""

    UPLOAD = "upload"
    """A client submitted the document."""
    UPGRADE = "upgrade"
    """The live generation is degraded or outdated, and can be replaced now."""


class Degraded(StrEnum):
    """The part that the local fallback made because the provider did not answer."""

    PARSER = "parser"
    EMBEDDER = "embedder"


@dataclass(frozen=True, slots=True)
class Lease:
    """A time-limited exclusive right to write for one job; every pipeline write presents it."""

    job_id: UUID
    token: UUID
    """A new token for every claim; a write with an older token changes nothing."""


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A claimed job for the pipeline, with its document and lease."""

    lease: Lease
    document_id: UUID
    tenant_id: UUID
    """The tenant of the document."""
    lane: Lane
    generation: int
    """The generation that this job publishes, from 1."""
    stage: Stage
    """The last stored stage, from which the work continues."""
    attempt: int
    """Number of this attempt, from 1."""
    filename: str
    media_type: str
    bytes_len: int
    name: str
    """Name of the document."""
    raw_key: str | None
    """Blob key of its bytes; None while they are at their source."""
    parsed_key: str | None
    """Blob key of the parsed document; None before it is parsed."""
    correlation_id: str
    """Ties log lines and events to the request that caused the job."""
    cause: Cause = Cause.UPLOAD
    degraded: frozenset[Degraded] = frozenset()
    """The parts that the job makes without their provider."""
    served_in: str | None = None
    """Label of the vector space that serves the tenant; None: the space of the settings."""

    @property
    def parses_by_fallback(self) -> bool:
        """Whether the local parser is used instead of the provider, if it finds a text."""
        return Degraded.PARSER in self.degraded

    @property
    def embeds_by_fallback(self) -> bool:
        """Whether the local embedder is used instead of the provider."""
        return Degraded.EMBEDDER in self.degraded
