"""A circuit breaker: stops calls that would fail anyway, and finds out when they work again."""

from enum import StrEnum

FAILURES = 5
"""Failures in a row that open the breaker."""
COOLDOWN_SECONDS = 5.0
"""First time it stays open; doubled after each probe that fails."""
LONGEST_SECONDS = 60.0
STOPPED_SECONDS = 600.0
"""How long a refused key rests before one probe looks whether somebody repaired it."""
PROBE_SECONDS = 70.0
"""A probe that was not heard of for this long is taken for lost with its process: a little longer
than a request waits for its answer."""


class BreakerState(StrEnum):
    """What a breaker does with calls."""

    CLOSED = "closed"
    """Lets them pass."""
    OPEN = "open"
    """Lets none pass for a while: the provider fails."""
    HALF_OPEN = "half_open"
    """Lets one pass and waits for how it ends."""
    STOPPED = "stopped"
    """Lets none pass for long: the key was refused, and a person must look."""


class CircuitBreaker:
    """The breaker of one key; times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._failures = 0
        self._cooldown = COOLDOWN_SECONDS
        self._open_until: float | None = None
        self._probing_until: float | None = None
        self._stopped = False

    def state(self, now: float) -> BreakerState:
        """What it does with a call that comes now."""
        if self._open_until is None:
            return BreakerState.CLOSED
        if now >= self._open_until:
            return BreakerState.HALF_OPEN
        return BreakerState.STOPPED if self._stopped else BreakerState.OPEN

    def wait(self, now: float) -> float:
        """Seconds until a call may pass; 0 when one may now."""
        if self._open_until is None:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        if self._probing_until is not None and now < self._probing_until:
            return self._probing_until - now
        return 0.0

    def enter(self, now: float) -> None:
        """Count a call for which ``wait`` said 0; in the half-open state it is the probe."""
        if self._open_until is not None:
            self._probing_until = now + PROBE_SECONDS

    def withdraw(self) -> None:
        """A call that entered was not made after all; another may be the probe."""
        self._probing_until = None

    def succeeded(self) -> None:
        """The provider answered: back to normal."""
        self._failures = 0
        self._cooldown = COOLDOWN_SECONDS
        self._open_until = self._probing_until = None
        self._stopped = False

    def failed(self, now: float) -> None:
        """The provider did not answer, or with a server error."""
        self._failures += 1
        if self._probing_until is not None:
            self._cooldown = min(LONGEST_SECONDS, 2 * self._cooldown)
        elif self._open_until is not None or self._failures < FAILURES:
            return  # a call from before it opened, or not enough of them yet
        self._probing_until = None
        self._open_until = now + (STOPPED_SECONDS if self._stopped else self._cooldown)

    def refused(self, now: float) -> None:
        """The provider does not accept the key, or wants money first."""
        self._stopped = True
        self._probing_until = None
        self._open_until = now + STOPPED_SECONDS
