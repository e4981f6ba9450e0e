"""When a job will be done, judged by what was done of late."""

from dataclasses import dataclass
from datetime import timedelta

LEAST = 3
"""Jobs that must have been published of late; fewer say nothing about a pace."""
_SHORTEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """What a lane published of late, and what it is doing for one tenant."""

    published: int
    """Jobs of the lane."""
    own_published: int
    """Those of the tenant among them."""
    tenants: int
    """Whose they were."""
    seconds: float
    """Since the first of them."""
    own_held: int
    """Jobs of the tenant that are worked on now."""


def time_left(throughput: Throughput, *, jobs_ahead: int, is_held: bool) -> timedelta | None:
    """About how long until a job is done; None when too little was done of late to say.

    Tenants are served in turn, so a tenant's jobs go at the tenant's own pace. Of one that had
    nothing published yet, an equal share of the lane's pace is expected.

    Args:
        throughput: The pace.
        jobs_ahead: Jobs of the tenant in the queue that come first.
        is_held: Whether the job is worked on already.
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
