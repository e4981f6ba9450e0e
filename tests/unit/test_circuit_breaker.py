"""The breaker opens, probes with one call, and closes; a refused key rests for long."""

from ingest.domain.circuit_breaker import (
    COOLDOWN_SECONDS,
    FAILURES,
    LONGEST_SECONDS,
    PROBE_SECONDS,
    STOPPED_SECONDS,
    BreakerState,
    CircuitBreaker,
)


def opened(now: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker()
    for _ in range(FAILURES):
        breaker.failed(now)
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = CircuitBreaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breaker.failed(0.0)
        breaker.succeeded()

    assert breaker.state(0.0) is BreakerState.CLOSED
    assert opened().state(0.0) is BreakerState.OPEN
    assert opened().wait(1.0) == COOLDOWN_SECONDS - 1


def test_half_open_lets_one_call_pass_until_that_is_over() -> None:
    breaker = opened()
    now = COOLDOWN_SECONDS
    assert breaker.state(now) is BreakerState.HALF_OPEN
    assert breaker.wait(now) == 0

    breaker.enter(now)

    assert breaker.wait(now) == PROBE_SECONDS
    breaker.succeeded()
    assert breaker.state(now) is BreakerState.CLOSED
    assert breaker.wait(now) == 0


def test_a_failed_probe_doubles_the_rest_up_to_a_limit() -> None:
    breaker, now, rests = opened(), 0.0, []
    for _ in range(6):
        now += breaker.wait(now)
        breaker.enter(now)
        breaker.failed(now)
        rests.append(breaker.wait(now))

    assert rests[:2] == [2 * COOLDOWN_SECONDS, 4 * COOLDOWN_SECONDS]
    assert rests[-1] == LONGEST_SECONDS


def test_late_failures_of_calls_from_before_do_not_prolong_the_rest() -> None:
    breaker = opened()
    for _ in range(20):
        breaker.failed(3.0)

    assert breaker.wait(3.0) == COOLDOWN_SECONDS - 3


def test_a_probe_that_was_not_made_leaves_room_for_another() -> None:
    breaker = opened()
    breaker.enter(COOLDOWN_SECONDS)
    breaker.withdraw()

    assert breaker.wait(COOLDOWN_SECONDS) == 0


def test_a_probe_that_is_lost_does_not_keep_it_shut_for_ever() -> None:
    breaker = opened()
    breaker.enter(COOLDOWN_SECONDS)

    assert breaker.wait(COOLDOWN_SECONDS + PROBE_SECONDS) == 0


def test_a_refused_key_is_stopped_and_probed_rarely() -> None:
    breaker = CircuitBreaker()
    breaker.refused(0.0)

    assert breaker.state(1.0) is BreakerState.STOPPED
    assert breaker.wait(1.0) == STOPPED_SECONDS - 1
    breaker.enter(STOPPED_SECONDS)
    breaker.failed(STOPPED_SECONDS)
    assert breaker.wait(STOPPED_SECONDS) == STOPPED_SECONDS
    breaker.enter(2 * STOPPED_SECONDS)
    breaker.succeeded()
    assert breaker.state(2 * STOPPED_SECONDS) is BreakerState.CLOSED
