"""Making documents again because the settings that made them have changed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest.domain.embedding import EmbeddingModel
from ingest.domain.job import Lane


@dataclass(frozen=True, slots=True)
class Reprocessing:
    """How the documents of a tenant are to be; those that are not are outdated."""

    tenant_id: UUID
    model: EmbeddingModel
    chunker: str
    """Label of the chunker with its settings."""
    run: str
    """Names the backfill in the history of its jobs."""
    lane: Lane = Lane.BACKFILL
    """Of its jobs."""


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """One page of a tenant's documents."""

    last: tuple[datetime, UUID]
    """Where the next page begins."""
    due: int
    """Outdated ones in it."""
    made: int
    """Jobs; the others of them are on their way already."""
