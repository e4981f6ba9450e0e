"""One limit of so much a minute, kept without ever going over it.

Three bounds hold at once: a continuous bucket paces what is granted, what is on the way and what
was answered in the last sixty seconds together stay within the limit, and what the provider's
headers say is left is believed when it is less than our own count.

A provider counts a request when it arrives: some time between its grant and its answer. So a grant
counts for as long as it is on the way, and for a minute after its answer.
"""

import heapq
import math
from collections import deque

MINUTE = 60.0
BURST_SECONDS = 1.0
"""Pace that may pile up while nobody asks; limits are enforced by the second, too."""
_FOREIGN_SHARE = 0.8
"""Part of the limit that, missing at the provider through somebody else, brings the pace down to
its slowest; in between it falls in proportion, so that those who share a key meet in the middle."""
_SLOWEST = 0.05
PASSING_SHARE = 0.25
"""Part of the pace that requests may take which pass by larger ones that wait."""
RESERVED_SHARE = 0.05
"""Part of the limit that others leave to urgent requests, while there are some."""
URGENT_SECONDS = 600.0
"""After the last urgent request nothing is reserved any more."""
LOST_SECONDS = 120.0
"""A grant that was not heard of for this long is taken for lost with its process: longer than a
request waits for its answer, and a minute."""
_ROUNDING = 1e-9
"""Share of the limit that is an error of floating point."""


class TokenBucket:
    """Amounts over time under a limit; times are seconds of any monotonic clock."""

    def __init__(self, limit: float, now: float) -> None:
        """Start empty: another meter may have granted a moment ago.

        Args:
            limit: Most per minute, over 0.
            now: The present time.
        """
        self._limit = limit
        self._level = 0.0
        self._passing_level = 0.0
        self._urgent_at = now - URGENT_SECONDS
        self._at = now
        self._paused_until = now
        self._flying: dict[int, tuple[float, float]] = {}
        self._flying_sum = 0.0
        self._answered: deque[tuple[float, float]] = deque()
        self._answered_sum = 0.0
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
        return max(0.0, min(self._limit - self._counted(), self._remote))

    def wait_for(
        self, amount: float, now: float, *, urgent: bool = False, may_overtake: bool = False
    ) -> float:
        """Seconds until this amount may be taken; 0 when it may be now.

        It may be sooner: when something that is on the way is answered or given back.

        Args:
            amount: At most ``limit``: more would wait for ever, so callers refuse it.
            now: The present time.
            urgent: It leaves nothing over for urgent ones.
            may_overtake: It request not wait until what larger requests took has come in again, and
                takes nothing that one of these waits for; but only up to PASSING_SHARE of the pace,
                and never more at once than a burst: that would wait for ever.
        """
        self._advance(now)
        pace = self._pace()
        ready = (min(amount, self._cap()) - self._level) / pace
        if may_overtake:
            ready = (amount - self._passing_level) / (PASSING_SHARE * pace)
            if amount > self._cap():
                ready = math.inf
        kept = 0.0 if urgent else self._reserved(amount, now)
        waits = [self._paused_until - now, ready]
        waits.append((amount + kept - self._remote) / (self._limit / MINUTE))
        waits.append(self._until_room(amount + kept, now))
        longest = max(waits)
        return longest if longest > 1e-9 else 0.0

    def take(
        self,
        permit_id: int,
        amount: float,
        now: float,
        *,
        urgent: bool = False,
        may_overtake: bool = False,
    ) -> None:
        """Count a grant for which ``wait_for`` said 0."""
        self._advance(now)
        self._level -= amount
        if may_overtake:
            self._passing_level -= amount
        if urgent:
            self._urgent_at = now
        self._remote -= amount
        self._own -= amount
        self._flying[permit_id] = (now, amount)
        self._flying_sum += amount

    def give_back(self, permit_id: int, now: float) -> None:
        """Undo a grant that was not used; one that is not known any more changes nothing."""
        self._advance(now)
        amount = self._land(permit_id)
        self._level = min(self._cap(), self._level + amount)
        self._remote = min(self._limit, self._remote + amount)
        self._own = min(self._limit, self._own + amount)

    def arrived(self, permit_id: int, now: float) -> None:
        """A granted request was answered; from now on it grows old, and the provider counts it."""
        self._advance(now)
        if amount := self._land(permit_id):
            self._answered.append((self._at, amount))
            self._answered_sum += amount

    def believe(self, *, limit: float | None, remaining: float | None, now: float) -> None:
        """Take over what the provider's headers say; each may be missing."""
        self._advance(now)
        if limit is not None and limit > 0:
            self._limit = min(self._limit, limit)
        if remaining is not None:
            self._remote = min(self._limit, remaining - self._flying_sum)

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
        gained = elapsed * self._pace()
        self._level = min(self._cap(), self._level + gained)
        self._passing_level = min(self._cap(), self._passing_level + PASSING_SHARE * gained)
        refilled = elapsed * self._limit / MINUTE
        self._remote = min(self._limit, self._remote + refilled)
        self._own = min(self._limit, self._own + refilled)
        self._factor = min(1.0, self._factor * 1.005**elapsed)
        while self._answered and self._answered[0][0] <= self._at - MINUTE:
            self._answered_sum -= self._answered.popleft()[1]
        if not self._answered:
            self._answered_sum = 0.0
        while self._flying:
            permit_id, (granted, _) = next(iter(self._flying.items()))
            if granted > self._at - LOST_SECONDS:
                break
            self._land(permit_id)

    def _land(self, permit_id: int) -> float:
        """Take a grant off the way; 0 when it is not on it."""
        _, amount = self._flying.pop(permit_id, (0.0, 0.0))
        self._flying_sum = self._flying_sum - amount if self._flying else 0.0
        return amount

    def _counted(self) -> float:
        return self._flying_sum + self._answered_sum

    def _cap(self) -> float:
        return self._limit / MINUTE * BURST_SECONDS

    def _reserved(self, amount: float, now: float) -> float:
        """What a request that is not urgent must leave over."""
        if now - self._urgent_at >= URGENT_SECONDS:
            return 0.0
        return min(RESERVED_SHARE * self._limit, self._limit - amount)

    def _pace(self) -> float:
        foreign = max(0.0, self._own - self._remote) / self._limit
        eased = max(_SLOWEST, 1.0 - foreign / _FOREIGN_SHARE)
        return self._limit / MINUTE * eased * self._factor

    def _until_room(self, amount: float, now: float) -> float:
        """Until enough of what counts is old, or taken for lost."""
        excess = self._counted() + amount - self._limit * (1 + _ROUNDING)
        if excess <= 0:
            return 0.0
        ends = heapq.merge(
            ((at + MINUTE, counted) for at, counted in self._answered),
            ((at + LOST_SECONDS, counted) for at, counted in self._flying.values()),
        )
        for end, counted in ends:
            excess -= counted
            if excess <= 0:
                return end - now
        return 0.0
