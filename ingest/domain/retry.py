"""Decides how a job continues after a failed attempt, by the class of the error."""

from dataclasses import dataclass
from datetime import timedelta

from ingest.domain.errors import IngestError, MustWait, RateLimited, SpaceMoved, TransientError
from ingest.domain.job import WaitReason


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Try again after this time."""

    delay: timedelta
    costs_attempt: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for an event outside, and check again after this time. Costs no attempt."""

    reason: WaitReason
    delay: timedelta
    at_most: timedelta


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Give up; a person decides about the job."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with a cap, for transient errors only."""

    max_attempts: int = 5
    base: timedelta = timedelta(seconds=2)
    cap: timedelta = timedelta(seconds=60)
    wait_at_most: timedelta = timedelta(days=7)
    """How long a job waits for a provider or a budget before it fails."""

    def decide(
        self, error: IngestError, *, attempt: int, jitter: float
    ) -> RetryAfter | Wait | DeadLetter:
        """Decide how a job continues after an attempt failed with an error.

        Args:
            error: The error of the attempt.
            attempt: Number of the failed attempt, from 1.
            jitter: A random number in [0, 1), passed in to keep this pure; spreads the
                delay over 75 % to 125 % of its nominal value.
        """
        if not error.retryable:
            return DeadLetter()
        asked = error.retry_after if isinstance(error, TransientError) else None
        if isinstance(error, MustWait):
            delay = (error.patience or asked or self.cap) * (1 + 0.25 * jitter)
            return Wait(WaitReason(error.reason), delay, self.wait_at_most)
        if isinstance(error, RateLimited | SpaceMoved):
            return RetryAfter(asked or self.base, costs_attempt=False)
        if attempt >= self.max_attempts:
            return DeadLetter()
        doublings = min(attempt - 1, 1000)  # more would overflow long after the cap is reached
        nominal = self.base * min(self.cap / self.base, 2.0**doublings)
        delay = nominal * (0.75 + 0.5 * jitter)
        return RetryAfter(max(delay, asked or delay), costs_attempt=True)
