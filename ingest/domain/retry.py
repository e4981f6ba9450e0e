"""What becomes of a job after a failed attempt; the error's class decides."""

from dataclasses import dataclass
from datetime import timedelta

from ingest.domain.errors import IngestError, RateLimited, TransientError


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Try again once this long has passed."""

    delay: timedelta
    costs_attempt: bool


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Give up; a person decides."""

    exhausted: bool
    """True when the error was transient but had happened too often."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with a cap, for transient errors only."""

    max_attempts: int = 5
    base: timedelta = timedelta(seconds=2)
    cap: timedelta = timedelta(seconds=60)

    def decide(self, error: IngestError, *, attempt: int, jitter: float) -> RetryAfter | DeadLetter:
        """Decide after the given attempt failed with the given error.

        Args:
            error: What went wrong.
            attempt: 1-based number of the attempt that failed.
            jitter: A random number in [0, 1), passed in to keep this pure; spreads the
                delay over 75 % to 125 % of its nominal value.
        """
        if not error.retryable:
            return DeadLetter(exhausted=False)
        asked = error.retry_after if isinstance(error, TransientError) else None
        if isinstance(error, RateLimited):
            return RetryAfter(asked or self.base, costs_attempt=False)
        if attempt >= self.max_attempts:
            return DeadLetter(exhausted=True)
        doublings = min(attempt - 1, 1000)  # more would overflow long after the cap is reached
        nominal = self.base * min(self.cap / self.base, 2.0**doublings)
        delay = nominal * (0.75 + 0.5 * jitter)
        return RetryAfter(max(delay, asked or delay), costs_attempt=True)
