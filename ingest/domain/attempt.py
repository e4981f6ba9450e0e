"""The results that an attempt gives to the stores: texts, chunks, and how it ended."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from ingest.domain.chunk import Chunk
from ingest.domain.errors import IngestError
from ingest.domain.job import ClaimedJob, Degraded, JobState, Lease, WaitReason
from ingest.domain.parse_warning import ParseWarning


@dataclass(frozen=True, slots=True)
class Target:
    """The generation of a document that an attempt writes, and the lease that allows it."""

    lease: Lease
    document_id: UUID
    tenant_id: UUID
    """The tenant of the document."""
    generation: int

    @classmethod
    def of(cls, job: ClaimedJob) -> "Target":
        """The target of a claimed job."""
        return cls(job.lease, job.document_id, job.tenant_id, job.generation)


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """The stored text of one job's document."""

    target: Target
    parsed_key: str
    parsed_sha256: str
    """Hex digest of the encoded parsed document."""
    parser: str
    page_count: int | None
    char_count: int
    warnings: tuple[ParseWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentChunks:
    """Chunks of one document: all, those without vectors, or those in one batch."""

    target: Target
    chunks: tuple[Chunk, ...]
    """The chunks, in order of chunk_ord."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """The result of storing a batch of chunks."""

    published: frozenset[UUID]
    """Jobs that are done: search finds their generation from now on."""
    stale: frozenset[UUID]
    """Jobs whose lease was lost; none of their chunks was written."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of an attempt that did not publish its document."""

    state: JobState
    """The new state: queued (interrupted), waiting, retryable or deadletter."""
    error: IngestError
    delay: timedelta = timedelta()
    """Time until the job may be claimed again, or is woken."""
    costs_attempt: bool = False
    wait_reason: WaitReason | None = None
    """The reason for which a waiting job waits."""
    parse_job_id: UUID | None = None
    """The parse that the job waits for, if any."""
    wait_at_most: timedelta | None = None
    """How long the job waits before it fails."""
    degrade: Degraded | None = None
    """The part that the next attempt makes without its provider."""
