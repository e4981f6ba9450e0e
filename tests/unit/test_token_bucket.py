"""The meter never grants more than a limit, never starves, and believes the provider."""

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.domain.token_bucket import BURST_SECONDS, LOST_SECONDS, MINUTE, PACE, TokenBucket

amounts = st.lists(st.floats(0.001, 1.0), min_size=1, max_size=120)
limits = st.floats(10, 10_000_000)
pauses = st.lists(st.floats(0, 30), min_size=120, max_size=120)


def run(
    meter: TokenBucket, shares: list[float], idle: list[float], now: float = 0.0
) -> list[tuple[float, float]]:
    """Take each amount as soon as the meter lets it pass; when and how much was granted."""
    granted = []
    for number, (share, pause) in enumerate(zip(shares, idle, strict=False)):
        now += pause
        amount = share * meter.limit
        for _ in range(100):
            if not (wait := meter.wait_for(amount, now)):
                break
            now += wait
        else:
            pytest.fail("it waits for ever")
        meter.take(number, amount, now)
        meter.arrived(number, now)
        granted.append((now, amount))
    return granted


@given(limits, amounts, pauses)
def test_no_sixty_seconds_hold_more_than_the_limit(
    limit: float, shares: list[float], idle: list[float]
) -> None:
    granted = run(TokenBucket(limit, 0.0), shares, idle)

    for place, (start, _) in enumerate(granted):
        window = sum(amount for at, amount in granted[place:] if at < start + MINUTE - 1e-6)
        assert window <= limit * (1 + 1e-6)


@given(limits, amounts, pauses, st.lists(st.booleans(), min_size=120, max_size=120))
def test_nor_when_small_requests_pass_by_large_ones(
    limit: float, shares: list[float], idle: list[float], small: list[bool]
) -> None:
    meter, now, granted = TokenBucket(limit, 0.0), 0.0, []
    for number, (share, pause, passes) in enumerate(zip(shares, idle, small, strict=False)):
        now += pause
        amount = share * limit * (BURST_SECONDS / MINUTE if passes else 1.0)
        while wait := meter.wait_for(amount, now, urgent=passes, may_overtake=passes):
            now += wait
        meter.take(number, amount, now, urgent=passes, may_overtake=passes)
        meter.arrived(number, now)
        granted.append((now, amount))

    for place, (start, _) in enumerate(granted):
        window = sum(amount for at, amount in granted[place:] if at < start + MINUTE - 1e-6)
        assert window <= limit * (1 + 1e-6)


def test_a_small_request_passes_while_what_a_large_one_took_comes_in_again() -> None:
    meter = TokenBucket(60_000, 0.0)
    assert meter.wait_for(8_000, 10.0) == 0
    meter.take(1, 8_000, 10.0)
    meter.arrived(1, 10.0)

    assert meter.wait_for(100, 10.0) > 7
    assert meter.wait_for(100, 10.0, urgent=True, may_overtake=True) == 0
    assert meter.wait_for(1_001, 10.0, urgent=True, may_overtake=True) == math.inf


def test_a_part_of_the_minute_is_left_to_urgent_requests_while_there_are_some() -> None:
    meter = TokenBucket(60_000, 0.0)
    meter.take(1, 10, 100.0, urgent=True)
    meter.arrived(1, 100.0)
    meter.take(2, 57_000, 170.0)
    meter.arrived(2, 170.0)

    assert meter.left(229.0) == 3_000
    assert meter.wait_for(1_000, 229.0) > 0
    assert meter.wait_for(1_000, 229.0, urgent=True) == 0
    assert meter.wait_for(60_000, 1_000.0) == 0, "nobody urgent came for long"


@given(limits, amounts, pauses, st.randoms(use_true_random=False))
def test_a_provider_that_counts_at_arrival_sees_no_more_either(
    limit: float, shares: list[float], idle: list[float], chance: Random
) -> None:
    """A request arrives late, and its answer later; others are granted in between."""
    meter, now = TokenBucket(limit, 0.0), 0.0
    on_the_way: list[tuple[float, int]] = []
    arrivals: list[tuple[float, float]] = []
    for number, (share, pause) in enumerate(zip(shares, idle, strict=False)):
        now += pause
        amount = share * limit
        while wait := meter.wait_for(amount, now):
            ends = min(on_the_way, default=(now + wait, -1))
            now = max(now, min(now + wait, ends[0]))
            while on_the_way and min(on_the_way)[0] <= now:
                ends = min(on_the_way)
                on_the_way.remove(ends)
                meter.arrived(ends[1], now)
        meter.take(number, amount, now)
        took = chance.uniform(0, 50)
        arrivals.append((now + chance.uniform(0, took), amount))
        on_the_way.append((now + took, number))

    arrivals.sort()
    for place, (start, _) in enumerate(arrivals):
        window = sum(amount for at, amount in arrivals[place:] if at < start + MINUTE - 1e-6)
        assert window <= limit * (1 + 1e-6)


@given(limits, amounts, pauses)
def test_a_provider_with_a_continuous_bucket_never_refuses(
    limit: float, shares: list[float], idle: list[float]
) -> None:
    level, at = limit, 0.0
    for now, amount in run(TokenBucket(limit, 0.0), shares, idle):
        level = min(limit, level + (now - at) * limit / MINUTE) - amount
        at = now
        assert level >= -limit * 1e-6


@example(5263440.77597485, [1 / 64] * 65)
@given(limits, st.lists(st.floats(0.001, 0.02), min_size=20, max_size=200))
def test_small_requests_get_all_of_the_pace(limit: float, shares: list[float]) -> None:
    granted = run(TokenBucket(limit, 0.0), shares, [0.0] * len(shares))

    took = granted[-1][0]
    needed = (sum(shares) - shares[-1]) * MINUTE / PACE
    one_request = max(shares) * MINUTE  # the last may wait until the first is a minute old
    assert took <= needed + BURST_SECONDS + one_request + 1e-6


@given(limits, amounts, pauses)
def test_waiting_as_long_as_told_is_enough(
    limit: float, shares: list[float], idle: list[float]
) -> None:
    meter, now = TokenBucket(limit, 0.0), 0.0
    for number, (share, pause) in enumerate(zip(shares, idle, strict=False)):
        now += pause
        told = meter.wait_for(share * limit, now)
        assert 0 <= told <= LOST_SECONDS + 1e-6
        now += told
        for _ in range(3):  # the last bits of floating point
            now += meter.wait_for(share * limit, now)
        assert meter.wait_for(share * limit, now) <= 1e-6
        meter.take(number, share * limit, now)
        if number % 3:  # the others are lost on their way
            meter.arrived(number, now)


def test_a_new_meter_grants_nothing_at_once() -> None:
    assert TokenBucket(600, 0.0).wait_for(5, 0.0) == pytest.approx(0.5 / PACE)


def test_a_pause_holds_until_it_is_over() -> None:
    meter = TokenBucket(600, 0.0)
    meter.pause(20, 5.0)

    assert meter.wait_for(1, 6.0) >= 19
    assert meter.wait_for(1, 25.0 + 1.0) == 0


def test_headers_of_a_shared_key_slow_us_before_a_refusal_does() -> None:
    meter = TokenBucket(60_000, 0.0)
    meter.believe(limit=60_000, remaining=30_000, amount=100, now=10.0)
    alone = meter.wait_for(1_000, 10.0)
    meter.believe(limit=60_000, remaining=500, amount=100, now=20.0)
    meter.take(1, 500, 20.0)

    assert alone == 0
    assert meter.wait_for(500, 20.0) > 2


def test_what_is_on_the_way_is_not_believed_to_be_left() -> None:
    meter = TokenBucket(60_000, 0.0)
    meter.take(1, 900, 60.0)
    meter.take(2, 900, 62.0)
    meter.arrived(1, 62.0)
    meter.believe(limit=None, remaining=1000, amount=900, now=62.0)

    assert meter.left(62.0) == pytest.approx(100)


def test_two_meters_on_one_limit_settle_at_half_each_without_a_refusal() -> None:
    limit, now = 60_000.0, 0.0
    meters = [TokenBucket(limit, now), TokenBucket(limit, now)]
    level, refused, passes, granted = limit, 0, 0, [0.0, 0.0]
    while now < 600:
        now += 0.05
        level = min(limit, level + 0.05 * limit / MINUTE)
        for place, meter in enumerate(meters):
            if meter.wait_for(300, now) > 0:
                continue
            passes += 1
            meter.take(passes, 300, now)
            if level < 300:
                refused += 1
                meter.refused(passes, now, by_this_limit=True)
            else:
                level -= 300
                granted[place] += 300
                meter.granted(passes, now)
            meter.believe(limit=limit, remaining=level, amount=300, now=now)

    assert refused == 0
    assert sum(granted) >= 0.95 * limit * 10
    assert min(granted) >= 0.4 * sum(granted)


def test_a_limit_in_the_headers_lowers_ours_and_never_raises_it() -> None:
    meter = TokenBucket(1000, 0.0)
    meter.believe(limit=5000, remaining=None, amount=1, now=1.0)
    assert meter.limit == 1000
    meter.believe(limit=300, remaining=None, amount=1, now=1.0)
    assert meter.limit == 300


def test_a_slowed_meter_is_slower_and_recovers_by_itself() -> None:
    meter = TokenBucket(6000, 0.0)
    meter.slow(0.0)
    slow = meter.wait_for(50, 0.0)
    recovered = TokenBucket(6000, 0.0)
    recovered.slow(0.0)
    recovered.wait_for(1, 60.0)
    recovered.take(1, 50, 60.0)

    assert slow == pytest.approx(1.0 / PACE)
    assert recovered.wait_for(50, 60.0) == pytest.approx(0.5 / PACE)


@settings(deadline=None)
@given(st.integers(1, 6), st.floats(0.005, 0.2))
def test_a_request_larger_than_the_burst_is_granted_after_refusals(
    refusals: int, step: float
) -> None:
    meter, now = TokenBucket(1_000_000, 0.0), 100.0
    for number in range(refusals):
        meter.take(number, 10, now)
        meter.refused(number, now, by_this_limit=True)
        now += 1.0

    until = now + 60
    while now < until and meter.wait_for(4_096, now):
        now += step  # as a loop that wakes up a little late, or early, each time

    assert now < until


def test_a_clock_that_stands_still_or_jumps_back_grants_nothing_more() -> None:
    meter = TokenBucket(600, 100.0)
    meter.take(1, 10, 101.0)
    before = meter.wait_for(10, 101.0)

    assert meter.wait_for(10, 50.0) >= before
    assert meter.wait_for(10, 101.0) == pytest.approx(before)


def test_what_is_given_back_can_be_granted_again() -> None:
    meter = TokenBucket(600, 0.0)
    meter.take(1, 10, 1.0)
    meter.give_back(1, 1.0)

    assert meter.wait_for(10, 1.0) == 0
    assert meter.left(1.0) == 600


def test_a_grant_of_an_earlier_meter_changes_nothing() -> None:
    meter = TokenBucket(600, 0.0)
    meter.take(1, 10, 1.0)
    meter.give_back(7, 1.0)
    meter.arrived(8, 1.0)

    assert meter.left(1.0) == 590


def test_a_grant_that_is_lost_with_its_process_comes_back() -> None:
    meter = TokenBucket(600, 0.0)
    meter.take(1, 600, 60.0)

    assert meter.left(60.0 + LOST_SECONDS - 1) == 0
    assert meter.left(60.0 + LOST_SECONDS) == 600
    meter.believe(limit=None, remaining=600, amount=0, now=61.0 + LOST_SECONDS)
    assert meter.left(61.0 + LOST_SECONDS) == 600


def test_grants_are_paced_after_the_first_burst() -> None:
    granted = run(TokenBucket(6000, 0.0), [0.005] * 100, [10.0] + [0.0] * 99)

    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(granted[10:])]
    assert max(gaps) == pytest.approx(0.3 / PACE, rel=0.01)
