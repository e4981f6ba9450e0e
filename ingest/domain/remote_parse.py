"""Parses that a provider works on, while their jobs wait without a worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from ingest.domain.document import ParsedDocument


class ParseStatus(StrEnum):
    """The recorded status of a parse."""

    SUBMITTING = "submitting"
    """It is about to be submitted, or was submitted and the answer was lost."""
    SUBMITTED = "submitted"
    """The provider accepted it and gave it an id."""
    COMPLETED = "completed"
    """Its text is stored."""
    FAILED = "failed"


class RemoteParseState(StrEnum):
    """The state of a parse at its provider."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    MISSING = "missing"
    """The provider does not know it, or has forgotten it."""


class WebhookVerdict(StrEnum):
    """The verdict on a delivery."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    FORGED = "forged"
    LATE = "late"
    """Its parse has ended already."""
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class ParserLabel:
    """How a provider parses a document; part of the index version."""

    provider: str
    tier: str
    """Neither it nor the provider holds a ``/`` or an ``@``."""
    version: str
    """Of the tier, with whatever else decides about the text."""

    @property
    def label(self) -> str:
        """All of it in one word, e.g. ``llamaparse/agentic@latest``."""
        return f"{self.provider}/{self.tier}@{self.version}"

    @classmethod
    def parse(cls, label: str) -> Self | None:
        """Read a label; None when it is not of this form, as in rows of other versions."""
        provider, slash, rest = label.partition("/")
        tier, at, version = rest.partition("@")
        return cls(provider, tier, version) if slash and at else None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file that is submitted to the provider."""

    data: bytes
    filename: str
    media_type: str


@dataclass(frozen=True, slots=True)
class ParseOrder:
    """The options of a submitted parse, and the URL of its webhook."""

    parse_job_id: UUID
    tier: str
    webhook_url: str | None
    most_pages: int


@dataclass(frozen=True, slots=True)
class SourceExtent:
    """The measured size of a document; its parse must match it."""

    pages: int | None
    """Number of pages; None when the format has none, or providers count them in another way."""
    chars: int
    """Characters of its own text layer."""
    most_pages: int
    """Most pages that the provider is asked and paid for."""


@dataclass(frozen=True, slots=True)
class ParseWish:
    """The parse that is wanted."""

    tenant_id: UUID
    """The tenant of the document."""
    file_sha256: str
    parser: str
    """Label of the parser with its tier."""
    source: SourceExtent


@dataclass(frozen=True, slots=True)
class ParseJob:
    """A recorded parse: one for each content of a tenant and each parser."""

    parse_job_id: UUID
    tenant_id: UUID
    parser: str
    status: ParseStatus
    call_id: UUID | None
    """Id of its call in the ledger."""
    key_fingerprint: str | None
    provider_job_id: str | None
    submitted_at: datetime
    deadline: datetime
    overdue: bool
    """The deadline has passed, by the database's clock."""
    outdated: bool
    """It failed long enough ago that it may be tried again."""
    source_pages: int | None
    source_chars: int
    most_pages: int
    error_code: str | None
    error_message: str | None
    parsed_key: str | None

    @property
    def source(self) -> SourceExtent:
        """The size of the source, which the parse must match."""
        return SourceExtent(self.source_pages, self.source_chars, self.most_pages)


@dataclass(frozen=True, slots=True)
class RemoteStatus:
    """The state of a parse in the provider's answer."""

    state: RemoteParseState
    credits: int | None = None
    """Credits that the provider charged; None when it does not say."""
    error_code: str | None = None
    """Code of our error class, when it failed."""
    error_message: str = ""


@dataclass(frozen=True, slots=True)
class RemoteText:
    """The parsed document in the provider's answer."""

    parsed: ParsedDocument
    failed_pages: Mapping[int, str]
    """Failed page numbers, from 1, with their reason."""
    longest_page_bytes: int
    credits: int | None
