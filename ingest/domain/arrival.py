"""Documents on their way in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from ingest.domain import identity
from ingest.domain.errors import DocumentExists
from ingest.domain.job import Lane

NEVER = datetime.min.replace(tzinfo=UTC)
"""Before everything; what restores deletions before it restores none."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes of a document that are safely stored."""

    sha256: str
    """Hex digest."""
    raw_key: str
    """Their blob key."""
    bytes_len: int
    media_type: str
    """By their beginning."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """The newest generation of a document, when other bytes come under the same name."""

    filename: str
    source_path: str | None
    generation: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document whose bytes are safely stored, or can be fetched from where its name says."""

    document_id: UUID
    tenant_id: UUID
    name: str
    filename: str
    media_type: str
    """A guess while the bytes are at their source; so is their number."""
    bytes_len: int
    file_sha256: str | None
    """None while the bytes are at their source; so is the key."""
    raw_key: str | None
    job_id: UUID
    """Used when a job has to be made."""
    correlation_id: str
    lane: Lane = Lane.INTERACTIVE
    idempotency_key: str | None = None
    restores_before: datetime | None = None
    """A deletion before this lets the document come back, a later one does not; None: any does."""
    source_path: str | None = None
    """Where the client has it; None when the client does not say."""
    replace: bool = True
    """Whether it may be the next generation of a document that exists."""

    def ensure_may_follow(self, newest: Replaced) -> None:
        """Check that it may be the generation after this one, of other bytes.

        Raises:
            DocumentExists: it may not replace anything.
        """
        if not self.replace:
            origin = newest.source_path or newest.filename
            raise DocumentExists(
                f"the external id {identity.external_id(self.name)!r} has other content, uploaded "
                f"as {origin!r}: use another external id, or allow that it is replaced"
            )


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an arrival led to."""

    document_id: UUID
    job_id: UUID
    generation: int
    created: bool
    """False when this very content had been accepted before, or is still to be fetched."""
    replaces: Replaced | None = None
    """Set when this is the next generation: the one that was the newest before."""
