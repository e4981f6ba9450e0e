"""Estimates when a job will be done, from the recent throughput."""

from dataclasses import dataclass
from datetime import timedelta

LEAST = 3
"""Fewest recently published jobs for an estimate."""
_SHORTEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """The recent throughput of a lane, for all tenants and for one."""

    published: int
    """Published jobs of the lane."""
    own_published: int
    """Published jobs of the tenant."""
    tenants: int
    """Number of tenants with published jobs."""
    seconds: float
    """Seconds since the first of these jobs was published."""
    own_held: int
    """Jobs of the tenant that workers process now."""


def time_left(throughput: Throughput, *, jobs_ahead: int, is_held: bool) -> timedelta | None:
    """Estimate the time until a job is done; None when too few jobs were published recently.

    Tenants are served in turn, so the rate of the tenant itself counts. For a tenant without
    published jobs, an equal share of the lane's rate is assumed.

    Args:
        throughput: The recent throughput.
        jobs_ahead: Jobs of the tenant in the queue that come first.
        is_held: Whether a worker has the job already.
    """
    if throughput.published < LEAST:
        return None
    jobs = throughput.own_held + (0 if is_held else jobs_ahead + 1)
    seconds = max(throughput.seconds, _SHORTEST_SECONDS)
    if throughput.own_published:
        each = seconds / throughput.own_published
    else:
        each = seconds / throughput.published * (throughput.tenants + 1)
    return timedelta(seconds=max(1, jobs) * each)
