"""Documents that are to be accepted."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from ingest.domain import identity
from ingest.domain.errors import DocumentExists
from ingest.domain.job import Lane

NEVER = datetime.min.replace(tzinfo=UTC)
"""A time before all others; as ``restores_before`` it restores no deleted document."""


@dataclass(frozen=True, slots=True)
class Content:
    """The stored bytes of a document."""

    sha256: str
    """Hex digest of the bytes."""
    raw_key: str
    """Blob key of the bytes."""
    bytes_len: int
    media_type: str
    """Media type, detected from the first bytes."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """The newest generation of a document at the moment when other bytes arrive under its name."""

    filename: str
    source_path: str | None
    generation: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document whose bytes are stored, or can be fetched from the source that its name gives."""

    document_id: UUID
    tenant_id: UUID
    name: str
    filename: str
    media_type: str
    """While the bytes are at their source, this and ``bytes_len`` are estimates."""
    bytes_len: int
    file_sha256: str | None
    """While the bytes are at their source, this and ``raw_key`` are None."""
    raw_key: str | None
    job_id: UUID
    """Id of the job, if one is created."""
    correlation_id: str
    lane: Lane = Lane.INTERACTIVE
    idempotency_key: str | None = None
    restores_before: datetime | None = None
    """Only a document that was deleted before this time is restored; None restores any."""
    source_path: str | None = None
    """Path or URL at the client; None when the client gave none."""
    replace: bool = True
    """Whether it may become the next generation of an existing document."""

    def ensure_may_follow(self, newest: Replaced) -> None:
        """Check that it may become the next generation after this one.

        Raises:
            DocumentExists: it may not replace a document.
        """
        if not self.replace:
            origin = newest.source_path or newest.filename
            raise DocumentExists(
                f"the external id {identity.external_id(self.name)!r} has other content, uploaded "
                f"as {origin!r}: use another external id, or allow that it is replaced"
            )


@dataclass(frozen=True, slots=True)
class Accepted:
    """The result of an arrival."""

    document_id: UUID
    job_id: UUID
    generation: int
    created: bool
    """False when the same content was accepted before, or is still to be fetched."""
    replaces: Replaced | None = None
    """The previous generation; None when this is the first."""
