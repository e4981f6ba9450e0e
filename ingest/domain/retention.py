"""How long data is kept that no job needs any more."""

from dataclasses import dataclass
from datetime import timedelta

ENDED_BATCHES = timedelta(days=30)
"""Rows of provider batches, after their end: longer than a person looks back at a bill."""
BUFFERED_TEXTS = timedelta(minutes=10)
"""Texts and vectors of ended batches that no unfinished job waits for."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Each time span begins at the end of the job, parse or upload."""

    events: timedelta
    """Events of published jobs, and of deleted documents."""
    failed_events: timedelta
    """Events of failed and cancelled jobs."""
    webhooks: timedelta
    """Deliveries of webhooks."""
    failed_parses: timedelta
    """Failed parses of a provider."""
    incoming: timedelta
    """Bytes of incomplete uploads."""
