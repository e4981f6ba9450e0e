"""Processes documents again after the settings that made them have changed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest.domain.embedding import EmbeddingModel
from ingest.domain.job import Lane


@dataclass(frozen=True, slots=True)
class Reprocessing:
    """The settings that the documents of a tenant must have been made with; others are outdated."""

    tenant_id: UUID
    model: EmbeddingModel
    chunker: str
    """Label of the chunker with its settings."""
    run: str
    """Id of the backfill in the events of its jobs."""
    reader: str | None = None
    """Label of the local parser; what its earlier versions read is read again. None: no text is."""
    lane: Lane = Lane.BACKFILL
    """Lane of its jobs."""


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """The result of one page of a tenant's documents."""

    last: tuple[datetime, UUID]
    """Sort key of the last document, after which the next page begins."""
    due: int
    """Outdated documents in the page."""
    made: int
    """Created jobs; the other outdated documents have a job already."""
