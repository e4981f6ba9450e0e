"""A limit per minute that is never exceeded.

Three bounds hold at the same time. A continuous token bucket paces the grants. Grants under way
and those answered in the last sixty seconds together stay within the limit. The remaining amount
in the provider's headers is used when it is less than our own count.

A provider counts a request when it arrives, which is between its grant and its answer. So a
grant counts while it is under way, and for a minute after its answer.
"""

import heapq
import math
from collections import deque

MINUTE = 60.0
BURST_SECONDS = 1.0
"""Seconds of the rate that may accumulate while idle; providers also limit each second."""
_FOREIGN_SHARE = 0.8
"""Share of the limit that other users of the key must have taken to bring the rate to its lowest.
In between the rate falls in proportion, so that several users of a key come to equal shares."""
_SLOWEST = 0.05
"""Least part of the pace: a provider that is never asked cannot show that it answers again."""
RECOVERY_SECONDS = 600.0
"""From the slowest pace to the full one, if nothing is refused meanwhile. One halving is made up
for after 139 seconds, so two whole minutes of the provider's limit show whether that was enough."""
_RECOVERY_PER_SECOND = (1 / _SLOWEST) ** (1 / RECOVERY_SECONDS)
"""The pace grows by the same factor each second, 1.005: a slow pace by little at a time."""
PASSING_SHARE = 0.25
"""Share of the rate for small requests that overtake larger waiting ones."""
RESERVED_SHARE = 0.05
"""Share of the limit that is reserved for urgent requests while there are some."""
URGENT_SECONDS = 600.0
"""This long after the last urgent request, nothing is reserved any more."""
LOST_SECONDS = 120.0
"""After this time without a result, a grant counts as lost with its process. It is the 60 s
time-out of a request, plus the minute for which an answered request counts."""
_ROUNDING = 1e-9
"""Differences below this share of the limit are floating-point errors."""


class TokenBucket:
    """Grants amounts under a limit per minute; times are seconds of a monotonic clock."""

    def __init__(self, limit: float, now: float) -> None:
        """Start empty: another process may have granted a full minute's amount just before.

        Args:
            limit: Most per minute, above 0.
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
        """The limit per minute."""
        return self._limit

    def left(self, now: float) -> float:
        """The amount that can still be granted in the present minute."""
        self._advance(now)
        return max(0.0, min(self._limit - self._counted(), self._remote))

    def wait_for(
        self, amount: float, now: float, *, urgent: bool = False, may_overtake: bool = False
    ) -> float:
        """Seconds until this amount may be taken; 0 when it may be taken now.

        It may become possible earlier, when a grant under way is answered or given back.

        Args:
            amount: At most ``limit``: more would wait forever, so callers refuse it.
            now: The present time.
            urgent: Whether it may use the share that is reserved for urgent requests.
            may_overtake: Whether it may be granted before larger waiting requests. It takes nothing
                that one of these waits for, only up to PASSING_SHARE of the rate, and never more
                at once than a burst: that would wait forever.
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
        """Count a grant for which ``wait_for`` returned 0."""
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
        """Undo a grant that was not used; an unknown one changes nothing."""
        self._advance(now)
        amount = self._land(permit_id)
        self._level = min(self._cap(), self._level + amount)
        self._remote = min(self._limit, self._remote + amount)
        self._own = min(self._limit, self._own + amount)

    def arrived(self, permit_id: int, now: float) -> None:
        """Note that a granted request was answered; it counts for one more minute."""
        self._advance(now)
        if amount := self._land(permit_id):
            self._answered.append((self._at, amount))
            self._answered_sum += amount

    def believe(self, *, limit: float | None, remaining: float | None, now: float) -> None:
        """Use the values of the provider's headers; each may be missing."""
        self._advance(now)
        if limit is not None and limit > 0:
            self._limit = min(self._limit, limit)
        if remaining is not None:
            # The header does not count requests that the provider has not received yet.
            self._remote = min(self._limit, remaining - self._flying_sum)

    def pause(self, seconds: float, now: float) -> None:
        """Grant nothing for a while, because the provider asked for it."""
        self._advance(now)
        self._paused_until = max(self._paused_until, now + seconds)
        self._level = min(self._level, 0.0)

    def slow(self, now: float) -> None:
        """Halve the rate; it returns to full within minutes."""
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
        self._factor = min(1.0, self._factor * _RECOVERY_PER_SECOND**elapsed)
        while self._answered and self._answered[0][0] <= self._at - MINUTE:
            self._answered_sum -= self._answered.popleft()[1]
        if not self._answered:
            self._answered_sum = 0.0  # else rounding errors add up over days
        while self._flying:
            permit_id, (granted, _) = next(iter(self._flying.items()))
            if granted > self._at - LOST_SECONDS:
                break
            self._land(permit_id)

    def _land(self, permit_id: int) -> float:
        """Remove a grant under way and return its amount; 0 when it is unknown."""
        _, amount = self._flying.pop(permit_id, (0.0, 0.0))
        self._flying_sum = self._flying_sum - amount if self._flying else 0.0
        return amount

    def _counted(self) -> float:
        return self._flying_sum + self._answered_sum

    def _cap(self) -> float:
        return self._limit / MINUTE * BURST_SECONDS

    def _reserved(self, amount: float, now: float) -> float:
        """The amount that a request which is not urgent must leave."""
        if now - self._urgent_at >= URGENT_SECONDS:
            return 0.0
        return min(RESERVED_SHARE * self._limit, self._limit - amount)

    def _pace(self) -> float:
        foreign = max(0.0, self._own - self._remote) / self._limit
        eased = max(_SLOWEST, 1.0 - foreign / _FOREIGN_SHARE)
        return self._limit / MINUTE * eased * self._factor

    def _until_room(self, amount: float, now: float) -> float:
        """Seconds until enough of the counted grants are old, or count as lost."""
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
