"""Uploads on their way in."""

from dataclasses import dataclass
from uuid import UUID

from ingest.domain.job import Lane


@dataclass(frozen=True, slots=True)
class Arrival:
    """An upload whose bytes are safely stored."""

    document_id: UUID
    user_id: UUID
    name: str
    filename: str
    media_type: str
    bytes_len: int
    file_sha256: str
    raw_key: str
    job_id: UUID
    """Used when a job has to be made."""
    correlation_id: str
    lane: Lane = Lane.INTERACTIVE
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an arrival led to."""

    document_id: UUID
    job_id: UUID
    generation: int
    created: bool
    """False when this very content had been accepted before."""
