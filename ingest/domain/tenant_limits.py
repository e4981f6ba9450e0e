"""What a tenant may use, so that the others have some of it left."""

from dataclasses import dataclass
from enum import StrEnum


class LimitKind(StrEnum):
    """What is limited."""

    ACTIVE_JOBS = "active_jobs"
    """Jobs that have not ended."""
    UPLOADS_PER_DAY = "uploads_per_day"
    """Uploads that made a job, from midnight to midnight, UTC."""
    BYTES_PER_DAY = "bytes_per_day"
    """Of these uploads together."""
    SEARCHES_PER_MINUTE = "searches_per_minute"
    """They grow back steadily; as many may be made at once."""


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """The most of each; None is no limit."""

    active_jobs: int | None = None
    uploads_per_day: int | None = None
    bytes_per_day: int | None = None
    searches_per_minute: int | None = None
