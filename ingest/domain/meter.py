"""One limit of so much a minute, kept without ever going over it.

Three bounds hold at once: a continuous bucket paces what is granted, the grants of any sixty
seconds together stay within the limit, and what the provider's headers say is left is believed
when it is less than our own count.
"""

from collections import deque

MINUTE = 60.0
BURST_SECONDS = 1.0
"""Pace that may pile up while nobody asks; limits are enforced by the second, too."""
_FOREIGN_SHARE = 0.8
"""Part of the limit that, missing at the provider through somebody else, brings the pace down to
its slowest; in between it falls in proportion, so that those who share a key meet in the middle."""
_SLOWEST = 0.05
_ROUNDING = 1e-9
"""Share of the limit that is an error of floating point."""


class Meter:
    """Amounts over time under a limit; times are seconds of any monotonic clock."""

    def __init__(self, limit: float, now: float) -> None:
        """Start empty: another meter may have granted a moment ago.

        Args:
            limit: Most per minute, over 0.
            now: The present time.
        """
        self._limit = limit
        self._level = 0.0
        self._at = now
        self._paused_until = now
        self._granted: deque[tuple[float, float]] = deque()
        self._granted_sum = 0.0
        self._outstanding = 0.0
        self._remote = limit
        self._own = limit
        self._factor = 1.0

    @property
    def limit(self) -> float:
        """Most per minute."""
        return self._limit

    def left(self, now: float) -> float:
        """What could still be granted within the present minute."""
        self._advance(now)
        return max(0.0, min(self._limit - self._granted_sum, self._remote))

    def wait_for(self, amount: float, now: float) -> float:
        """Seconds until this amount may be taken; 0 when it may be now.

        Args:
            amount: At most ``limit``: more would wait for ever, so callers refuse it.
            now: The present time.
        """
        self._advance(now)
        pace = self._pace()
        waits = [self._paused_until - now]
        waits.append((min(amount, self._cap()) - self._level) / pace)
        waits.append((amount - self._remote) / (self._limit / MINUTE))
        waits.append(self._until_room(amount, now))
        longest = max(waits)
        return longest if longest > 1e-9 else 0.0

    def take(self, amount: float, now: float) -> None:
        """Count a grant for which ``wait_for`` said 0."""
        self._advance(now)
        self._level -= amount
        self._remote -= amount
        self._own -= amount
        self._outstanding += amount
        self._granted.append((now, amount))
        self._granted_sum += amount

    def give_back(self, amount: float, now: float) -> None:
        """Undo a grant that was not used; the minute it fell into stays charged."""
        self._advance(now)
        self._level = min(self._cap(), self._level + amount)
        self._remote = min(self._limit, self._remote + amount)
        self._own = min(self._limit, self._own + amount)
        self._outstanding = max(0.0, self._outstanding - amount)

    def arrived(self, amount: float) -> None:
        """A granted amount reached the provider, which counts it itself from now on."""
        self._outstanding = max(0.0, self._outstanding - amount)

    def believe(self, *, limit: float | None, remaining: float | None, now: float) -> None:
        """Take over what the provider's headers say; each may be missing."""
        self._advance(now)
        if limit is not None and limit > 0:
            self._limit = min(self._limit, limit)
        if remaining is not None:
            self._remote = min(self._limit, remaining - self._outstanding)

    def pause(self, seconds: float, now: float) -> None:
        """Grant nothing for a while: the provider said so."""
        self._advance(now)
        self._paused_until = max(self._paused_until, now + seconds)
        self._level = min(self._level, 0.0)

    def slow(self, now: float) -> None:
        """Halve the pace; it grows back to the full one within minutes."""
        self._advance(now)
        self._factor = max(_SLOWEST, self._factor / 2)

    def _advance(self, now: float) -> None:
        elapsed = max(0.0, now - self._at)
        self._at = max(self._at, now)
        self._level = min(self._cap(), self._level + elapsed * self._pace())
        refilled = elapsed * self._limit / MINUTE
        self._remote = min(self._limit, self._remote + refilled)
        self._own = min(self._limit, self._own + refilled)
        self._factor = min(1.0, self._factor * 1.005**elapsed)
        while self._granted and self._granted[0][0] <= self._at - MINUTE:
            self._granted_sum -= self._granted.popleft()[1]
        if not self._granted:
            self._granted_sum = 0.0

    def _cap(self) -> float:
        return self._limit / MINUTE * BURST_SECONDS

    def _pace(self) -> float:
        foreign = max(0.0, self._own - self._remote) / self._limit
        eased = max(_SLOWEST, 1.0 - foreign / _FOREIGN_SHARE)
        return self._limit / MINUTE * eased * self._factor

    def _until_room(self, amount: float, now: float) -> float:
        """Until enough of the last minute's grants are old."""
        excess = self._granted_sum + amount - self._limit * (1 + _ROUNDING)
        for at, granted in self._granted:
            if excess <= 0:
                break
            excess -= granted
            if excess <= 0:
                return at + MINUTE - now
        return 0.0
