"""How streams claim jobs, and when failed attempts are tried again."""

from datetime import timedelta

from ingest.app.queue.claim import ClaimPace
from ingest.domain.retry import RetryPolicy
from ingest.settings import Settings


def pace(settings: Settings) -> ClaimPace:
    """How much a stream claims, and for how long."""
    return ClaimPace(
        wave_jobs=settings.wave_jobs,
        small_waves_per_second=settings.small_waves_per_second,
        claim_ahead_jobs=settings.claim_ahead_jobs,
        lease=settings.lease,
        stage_timeout=timedelta(seconds=settings.stage_timeout_seconds),
    )


def retry_policy(settings: Settings) -> RetryPolicy:
    """When failed attempts are tried again."""
    return RetryPolicy(
        max_attempts=settings.max_attempts, wait_at_most=timedelta(days=settings.wait_days)
    )
