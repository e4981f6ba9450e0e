"""Parses that a provider works on while nobody here waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ingest.domain.document import ParsedDocument


class ParseStatus(StrEnum):
    """How far a parse is, as recorded."""

    SUBMITTING = "submitting"
    """About to be handed over, or handed over without knowing."""
    SUBMITTED = "submitted"
    """The provider has it, and gave it a name."""
    COMPLETED = "completed"
    """Its text is stored."""
    FAILED = "failed"


class RemoteParseState(StrEnum):
    """How far a parse is, as its provider says."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    MISSING = "missing"
    """The provider does not know it, or not any more."""


class WebhookVerdict(StrEnum):
    """What a delivery is taken for."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    FORGED = "forged"
    LATE = "late"
    """About a parse that is over."""
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """What is handed over."""

    data: bytes
    filename: str
    media_type: str


@dataclass(frozen=True, slots=True)
class ParseOrder:
    """What is asked for, and where to tell of the end."""

    parse_job_id: UUID
    tier: str
    webhook_url: str | None
    most_pages: int


@dataclass(frozen=True, slots=True)
class SourceExtent:
    """What is known of a document without its provider; bounds what its parse may be."""

    pages: int | None
    """None where the format has none, or others count them in another way."""
    chars: int
    """Of its own text layer."""
    most_pages: int
    """The provider is asked, and paid, for no more."""


@dataclass(frozen=True, slots=True)
class ParseWish:
    """Which parse is wanted."""

    tenant_id: UUID
    """The tenant."""
    file_sha256: str
    parser: str
    """Label of the way of parsing."""
    source: SourceExtent


@dataclass(frozen=True, slots=True)
class ParseJob:
    """A parse as it is recorded: one for each content of a tenant and way of parsing."""

    parse_job_id: UUID
    tenant_id: UUID
    parser: str
    status: ParseStatus
    call_id: UUID | None
    """In the ledger."""
    key_fingerprint: str | None
    provider_job_id: str | None
    submitted_at: datetime
    deadline: datetime
    overdue: bool
    """Past its deadline, by the database's clock."""
    outdated: bool
    """It failed so long ago that it may be begun anew."""
    source_pages: int | None
    source_chars: int
    most_pages: int
    error_code: str | None
    error_message: str | None
    parsed_key: str | None

    @property
    def source(self) -> SourceExtent:
        """What the parse is measured by."""
        return SourceExtent(self.source_pages, self.source_chars, self.most_pages)


@dataclass(frozen=True, slots=True)
class RemoteStatus:
    """What a provider says of a parse."""

    state: RemoteParseState
    credits: int | None = None
    """Charged, when it says so."""
    error_code: str | None = None
    """One of ours, when it failed."""
    error_message: str = ""


@dataclass(frozen=True, slots=True)
class RemoteText:
    """What a provider made of a document."""

    parsed: ParsedDocument
    failed_pages: Mapping[int, str]
    """Page numbers from 1, and why."""
    longest_page_bytes: int
    credits: int | None
