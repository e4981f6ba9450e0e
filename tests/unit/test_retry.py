"""What becomes of a failed attempt: the class of its error decides."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.errors import (
    DocumentEncrypted,
    InvalidVector,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    StoreUnavailable,
)
from ingest.domain.retry import DeadLetter, RetryAfter, RetryPolicy

SECOND = timedelta(seconds=1)
POLICY = RetryPolicy(max_attempts=5, base=2 * SECOND, cap=60 * SECOND)


@pytest.mark.parametrize("error", [DocumentEncrypted(), ProviderRefused(), InvalidVector()])
def test_what_will_not_help_is_not_tried_again(error: DocumentEncrypted) -> None:
    assert POLICY.decide(error, attempt=1, jitter=0.5) == DeadLetter()


def test_a_transient_error_is_tried_again_until_the_attempts_are_used_up() -> None:
    decisions = [
        POLICY.decide(ProviderUnavailable(), attempt=attempt, jitter=0.5) for attempt in range(1, 6)
    ]

    assert decisions == [
        *(RetryAfter(seconds * SECOND, costs_attempt=True) for seconds in (2, 4, 8, 16)),
        DeadLetter(),
    ]


def test_being_told_to_slow_down_costs_no_attempt_however_often() -> None:
    error = RateLimited(retry_after=7 * SECOND)

    assert POLICY.decide(error, attempt=99, jitter=0.5) == RetryAfter(
        7 * SECOND, costs_attempt=False
    )
    assert POLICY.decide(RateLimited(), attempt=1, jitter=0.5) == RetryAfter(
        2 * SECOND, costs_attempt=False
    )


def test_a_longer_wait_that_was_asked_for_is_kept() -> None:
    error = StoreUnavailable(retry_after=30 * SECOND)

    assert POLICY.decide(error, attempt=1, jitter=0.5) == RetryAfter(
        30 * SECOND, costs_attempt=True
    )


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_the_delay_stays_within_its_bounds_however_many_attempts_are_allowed(
    attempt: int, jitter: float
) -> None:
    policy = RetryPolicy(max_attempts=10**9 + 1, base=2 * SECOND, cap=60 * SECOND)

    decision = policy.decide(ProviderUnavailable(), attempt=attempt, jitter=jitter)

    assert isinstance(decision, RetryAfter)
    assert 1.5 * SECOND <= decision.delay <= 75 * SECOND
    nominal = min(60, 2 * 2 ** min(attempt - 1, 10)) * SECOND
    assert 0.75 * nominal <= decision.delay <= 1.25 * nominal
