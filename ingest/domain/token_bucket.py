"""A limit per minute that is never exceeded.

Two bounds hold at the same time. A continuous token bucket paces the grants. Grants under way and
those answered in the last sixty seconds together stay within the limit. The pace is a little below
the limit. It falls further when the provider refuses requests, and when its headers show that
others use the quota, too; how far is learnt, because no provider says how large its bucket is.

A provider counts a request when it arrives, which is between its grant and its answer. So a
grant counts while it is under way, and for a minute after its answer.
"""

import heapq
import math
from collections import deque

from ingest.domain.proven_share import ProvenShare
from ingest.domain.shown_quota import ShownQuota

MINUTE = 60.0
BURST_SECONDS = 0.5
"""Seconds of the rate that may accumulate while idle. The smallest bucket that is known holds one
second; half of it is left for requests that arrive closer together than they were granted."""
_HOLD_BURSTS = 2.0
"""Bursts that are not granted after a refusal, so that the next request does not find the bucket as
empty as that one did."""
_LEAST_BURST_SECONDS = 0.05
_BURST_RECOVERY_SECONDS = 600.0
"""In this time the burst doubles, up to BURST_SECONDS, after refusals made it smaller."""
PACE = 0.98
"""Share of the limit that is used. At the whole limit a small bucket stays empty, and each request
that arrives early is refused."""
PASSING_SHARE = 0.25
"""Share of the rate for small requests that overtake larger waiting ones."""
RESERVED_SHARE = 0.05
"""Share of the limit that is reserved for urgent requests while there are some."""
URGENT_SECONDS = 600.0
"""This long after the last urgent request, nothing is reserved any more."""
LOST_SECONDS = 120.0
"""After this time without a result, a grant counts as lost with its process. It is the 60 s
time-out of a request, plus the minute for which an answered request counts."""
_NOTHING = (0.0, 0.0)
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
        self._burst = BURST_SECONDS
        self._proven = ProvenShare()
        self._shown = ShownQuota()

    @property
    def used_share(self) -> float:
        """Share of the limit that the present minute's grants are."""
        return self._counted() / self._limit

    @property
    def limit(self) -> float:
        """The limit per minute."""
        return self._limit

    def left(self, now: float) -> float:
        """The amount that can still be granted in the present minute."""
        self._advance(now)
        shown = self._shown.left(self._limit) - self._flying_sum  # it may not have arrived yet
        return max(0.0, min(self._limit - self._counted(), shown))

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
        self._flying[permit_id] = (now, amount)
        self._flying_sum += amount

    def give_back(self, permit_id: int, now: float) -> None:
        """Undo a grant that was not used; an unknown one changes nothing."""
        self._advance(now)
        amount = self._land(permit_id)
        self._level = min(self._cap(), self._level + amount)

    def arrived(self, permit_id: int, now: float) -> None:
        """Note that a request ended without a word on the quota; it counts for one more minute."""
        self._advance(now)
        if amount := self._land(permit_id):
            self._answered.append((self._at, amount))
            self._answered_sum += amount

    def granted(self, permit_id: int, now: float) -> None:
        """Note that the provider granted a request, so that the present pace works."""
        amount = self._flying.get(permit_id, _NOTHING)[1]
        self.arrived(permit_id, now)
        if amount:
            self._proven.granted(amount)

    def refused(self, permit_id: int, now: float, *, by_this_limit: bool) -> None:
        """Note that the provider refused a request.

        Args:
            permit_id: A refused request may count, too, so it counts for one more minute.
            now: The present time.
            by_this_limit: Whether this limit was the reason: then the pace and the burst fall.
        """
        let_go = self._flying.get(permit_id, _NOTHING)[0]
        self.arrived(permit_id, now)
        if by_this_limit:
            self._burst = max(_LEAST_BURST_SECONDS, self._burst / 2)
            self._level = min(self._level, -_HOLD_BURSTS * self._cap())
            self._shown.refused()
            self._proven.refused(let_go, self._at, per_second=self._limit / MINUTE)

    def believe(
        self, *, limit: float | None, remaining: float | None, amount: float, now: float
    ) -> None:
        """Use the values of the provider's headers; each may be missing.

        Args:
            limit: Per minute; ours is never raised.
            remaining: What was left after the request.
            amount: That of the request.
            now: The present time.
        """
        self._advance(now)
        if limit is not None and limit > 0:
            self._limit = min(self._limit, limit)
        if remaining is not None:
            self._shown.saw(remaining, amount)

    def pause(self, seconds: float, now: float) -> None:
        """Grant nothing for a while, because the provider asked for it."""
        self._advance(now)
        self._paused_until = max(self._paused_until, now + seconds)
        self._level = min(self._level, 0.0)

    def slow(self, now: float) -> None:
        """Halve the pace; it returns to full by itself."""
        self._advance(now)
        self._proven.halve()

    def _advance(self, now: float) -> None:
        elapsed = max(0.0, now - self._at)
        self._at = max(self._at, now)
        gained = elapsed * self._pace()
        # Before the level: one that ends below a growing cap would never be full.
        self._burst = min(BURST_SECONDS, self._burst * 2 ** (elapsed / _BURST_RECOVERY_SECONDS))
        self._level = min(self._cap(), self._level + gained)
        self._passing_level = min(self._cap(), self._passing_level + PASSING_SHARE * gained)
        self._shown.advance(elapsed, self._limit / MINUTE)
        self._proven.advance(elapsed)
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
        _, amount = self._flying.pop(permit_id, _NOTHING)
        self._flying_sum = self._flying_sum - amount if self._flying else 0.0
        return amount

    def _counted(self) -> float:
        return self._flying_sum + self._answered_sum

    def _cap(self) -> float:
        return self._limit / MINUTE * self._burst

    def _reserved(self, amount: float, now: float) -> float:
        """The amount that a request which is not urgent must leave."""
        if now - self._urgent_at >= URGENT_SECONDS:
            return 0.0
        return min(RESERVED_SHARE * self._limit, self._limit - amount)

    def _pace(self) -> float:
        rate = self._limit / MINUTE
        return rate * PACE * min(self._proven.share, self._shown.pace(rate))

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
