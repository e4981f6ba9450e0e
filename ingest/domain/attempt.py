"""What an attempt hands to the stores: texts found, chunks cut, and how it ended."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from ingest.domain.chunk import Chunk
from ingest.domain.errors import IngestError
from ingest.domain.job import ClaimedJob, Degraded, JobState, Lease, WaitReason


@dataclass(frozen=True, slots=True)
class Target:
    """Which generation of which document is written, and by what right."""

    lease: Lease
    document_id: UUID
    tenant_id: UUID
    """The tenant."""
    generation: int

    @classmethod
    def of(cls, job: ClaimedJob) -> "Target":
        """The target of a claimed job."""
        return cls(job.lease, job.document_id, job.tenant_id, job.generation)


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """Where the text of one job's document was stored."""

    target: Target
    parsed_key: str
    parsed_sha256: str
    """Hex digest of the encoded parsed document."""
    parser: str
    page_count: int | None
    char_count: int


@dataclass(frozen=True, slots=True)
class DocumentChunks:
    """Chunks of one document: all of them, those still to be embedded, or a batch's share."""

    target: Target
    chunks: tuple[Chunk, ...]
    """In order of chunk_ord."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What became of a batch of chunks."""

    published: frozenset[UUID]
    """Jobs that are done: their generation is what readers see from now on."""
    stale: frozenset[UUID]
    """Jobs whose lease was lost; nothing of theirs was written."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt that did not publish ends."""

    state: JobState
    """queued (interrupted), waiting, retryable or deadletter."""
    error: IngestError
    delay: timedelta = timedelta()
    """Until the job may be claimed, or woken, again."""
    costs_attempt: bool = False
    wait_reason: WaitReason | None = None
    """What a waiting job waits for."""
    parse_job_id: UUID | None = None
    """The parse, if that is what it waits for."""
    wait_at_most: timedelta | None = None
    """How long it waits before it is given up."""
    degrade: Degraded | None = None
    """What the next attempt makes without its provider."""
