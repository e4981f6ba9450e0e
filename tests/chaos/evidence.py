"""What the checker judges by: what was handed over, what it should read like, what was seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from tests.chaos.feed import Upload
from tests.chaos.sampler import Sampler


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as a fresh ingest in one process gives it."""

    char_start: int
    char_end: int
    page: int | None
    heading_path: tuple[str, ...]
    token_count: int
    context: str | None
    text: str
    embedded_text: str
    """The exact text that is sent to the provider."""


@dataclass(frozen=True, slots=True)
class Blow:
    """A fault that was inflicted."""

    kind: str
    began: datetime
    ended: datetime
    victims: int
    """Processes that were hit; 0 when there was nothing to hit."""


@dataclass(frozen=True, slots=True)
class Charged:
    """What a provider says about one call that it charged for."""

    call_id: str
    units: int
    texts: tuple[str, ...] = ()
    """SHA-256 of each text, in hex."""
    answer_spoiled: bool = False
    """It did the work, and then did not deliver it."""


@dataclass(frozen=True, slots=True)
class Bills:
    """The accounts of both providers."""

    embedding: Sequence[Charged] = ()
    parsing_credits: int = 0
    contents_parsed_twice: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one run that has come to rest."""

    url: str
    """The database."""
    blobs: Path
    uploads: Sequence[Upload]
    refused: Sequence[str]
    passages: Mapping[str, Sequence[Passage]]
    """By the digest of an upload's content."""
    vectors: Mapping[str, bytes]
    """float32, by the digest of a text."""
    sampler: Sampler
    blows: Sequence[Blow] = field(default_factory=tuple)
    bills: Bills = field(default_factory=Bills)

    def newest(self) -> dict[UUID, Upload]:
        """The last version of each document."""
        found: dict[UUID, Upload] = {}
        for upload in sorted(self.uploads, key=lambda upload: upload.generation):
            found[upload.document_id] = upload
        return found


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    kind: str
    """lost, stuck, content, duplicate, partial, illegal, lease, paid twice, or ledger."""
    what: str
