"""A circuit breaker: stops calls that would fail, and tests when they work again."""

from enum import StrEnum

FAILURES = 5
"""Failures in a row that open the breaker."""
COOLDOWN_SECONDS = 5.0
"""How long it stays open at first; each failed probe doubles the time."""
LONGEST_SECONDS = 60.0
STOPPED_SECONDS = 600.0
"""How long a refused key is not used before a probe tests whether it is accepted again."""
PROBE_SECONDS = 70.0
"""After this time without a result, a probe counts as lost with its process. It is a little longer
than the time-out of a request, which is 60 s."""


class BreakerState(StrEnum):
    """The states of a breaker."""

    CLOSED = "closed"
    """Calls are made."""
    OPEN = "open"
    """No call is made for a while: the provider fails."""
    HALF_OPEN = "half_open"
    """One call, the probe, is made; its result decides."""
    STOPPED = "stopped"
    """No call is made for a long time: the key was refused, and an operator must replace it."""


class CircuitBreaker:
    """The breaker of one key; times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._failures = 0
        self._cooldown = COOLDOWN_SECONDS
        self._open_until: float | None = None
        self._probing_until: float | None = None
        self._stopped = False

    def state(self, now: float) -> BreakerState:
        """The state of the breaker at this time."""
        if self._open_until is None:
            return BreakerState.CLOSED
        if now >= self._open_until:
            return BreakerState.HALF_OPEN
        return BreakerState.STOPPED if self._stopped else BreakerState.OPEN

    def wait(self, now: float) -> float:
        """Seconds until a call may be made; 0 when one may be made now."""
        if self._open_until is None:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        if self._probing_until is not None and now < self._probing_until:
            return self._probing_until - now
        return 0.0

    def enter(self, now: float) -> None:
        """Count a call for which ``wait`` returned 0; in the half-open state it is the probe."""
        if self._open_until is not None:
            self._probing_until = now + PROBE_SECONDS

    def withdraw(self) -> None:
        """Take back a call that was not made; another one may be the probe."""
        self._probing_until = None

    def succeeded(self) -> None:
        """Note that the provider answered; this closes the breaker."""
        self._failures = 0
        self._cooldown = COOLDOWN_SECONDS
        self._open_until = self._probing_until = None
        self._stopped = False

    def failed(self, now: float) -> None:
        """Note that the provider did not answer, or answered with a server error."""
        self._failures += 1
        if self._probing_until is not None:
            self._cooldown = min(LONGEST_SECONDS, 2 * self._cooldown)
        elif self._open_until is not None or self._failures < FAILURES:
            return  # a call from before it opened, or too few failures yet
        self._probing_until = None
        self._open_until = now + (STOPPED_SECONDS if self._stopped else self._cooldown)

    def refused(self, now: float) -> None:
        """Note that the provider refused the key, or asks for payment."""
        self._stopped = True
        self._probing_until = None
        self._open_until = now + STOPPED_SECONDS
