"""How long is kept what nothing needs any more."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """Each span begins when a thing came to its end."""

    events: timedelta
    """History of jobs that were published, and of documents that were deleted."""
    failed_events: timedelta
    """History of jobs in the dead letter, and of cancelled ones."""
    webhooks: timedelta
    """Deliveries."""
    failed_parses: timedelta
    """Parses at a provider that failed."""
    incoming: timedelta
    """Bytes of uploads that were cut off."""
