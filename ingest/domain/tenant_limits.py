"""The limits of a tenant, which keep capacity free for others."""

from dataclasses import dataclass
from enum import StrEnum


class LimitKind(StrEnum):
    """The limited quantities."""

    ACTIVE_JOBS = "active_jobs"
    """Jobs that have not ended."""
    UPLOADS_PER_DAY = "uploads_per_day"
    """Uploads that created a job, in one day of UTC."""
    BYTES_PER_DAY = "bytes_per_day"
    """Bytes of these uploads together."""
    SEARCHES_PER_MINUTE = "searches_per_minute"
    """Searches; the allowance refills steadily, and all of it may be used at once."""


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """The limits of a tenant; None is no limit."""

    active_jobs: int | None = None
    uploads_per_day: int | None = None
    bytes_per_day: int | None = None
    searches_per_minute: int | None = None
