"""The limiter uses nearly all of a quota and is hardly refused, however a provider counts."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.unit.quota_servers import HEADERS, Kind, simulate

LEAST_USED, MOST_REFUSED = 0.95, 0.005


@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(
    st.builds(
        Kind,
        bucket_seconds=st.sampled_from([1.0, 2.0, 6.0, 9.0, 60.0]),
        headers=st.sampled_from(sorted(HEADERS)),
        charge_refused=st.booleans(),
        retry_after=st.booleans(),
        latency=st.floats(0.05, 1.0),
    ),
    st.floats(800, 4_000),
    st.integers(0, 1_000),
)
def test_any_bucket_and_any_headers(kind: Kind, amount: float, seed: int) -> None:
    result = simulate(kind, amounts=(amount,), seed=seed, at_once=64)

    assert result.used >= LEAST_USED
    assert result.refused <= MOST_REFUSED


@pytest.mark.parametrize("bucket_seconds", [2, 6, 60])
def test_a_bucket_that_is_filled_once_a_second(bucket_seconds: float) -> None:
    result = simulate(Kind(bucket_seconds, steps=True))

    assert result.used >= LEAST_USED
    assert result.refused <= MOST_REFUSED


def test_a_limit_for_every_second_of_the_clock() -> None:
    result = simulate(Kind(windows=True), amounts=(200.0,))

    assert result.used >= LEAST_USED
    assert result.refused <= MOST_REFUSED


def test_a_limit_for_every_minute_of_the_clock() -> None:
    result = simulate(Kind(fixed_minutes=True))

    assert result.used >= LEAST_USED
    assert result.refused == 0


@pytest.mark.parametrize("bucket_seconds", [9, 60])
@pytest.mark.parametrize("headers", ["true", "none", "stale"])
@pytest.mark.parametrize("charge_refused", [False, True])
def test_a_client_of_the_same_key_that_takes_half(
    bucket_seconds: float, headers: str, charge_refused: bool
) -> None:
    kind = Kind(bucket_seconds, headers=headers, charge_refused=charge_refused, foreign_share=0.5)

    result = simulate(kind, seconds=900.0)

    assert result.used >= LEAST_USED
    charged = 0.001 if charge_refused else 0.0  # what it takes for one refusal, others lack
    assert result.refused <= MOST_REFUSED + charged


@pytest.mark.parametrize("headers", ["true", "none"])
def test_the_pace_recovers_when_the_other_client_goes(headers: str) -> None:
    kind = Kind(9, headers=headers, foreign_share=0.5, foreign_until=300.0)

    result = simulate(kind, warm_up=600.0)

    assert result.used >= LEAST_USED
    assert result.refused <= MOST_REFUSED


def test_large_requests_beside_a_small_bucket_are_served() -> None:
    result = simulate(Kind(1), amounts=(16_384.0,))

    assert result.used >= 0.85
