"""The quota that a provider's headers show as left, and the pace that it allows.

The size of a provider's bucket is documented nowhere: one minute of the limit, nine seconds, one.
It is learnt as the largest amount that the headers ever showed. The pace falls only in the last
part of that, in proportion, so that several users of a key come to equal shares of it before one
is refused. Headers that never show more than one second's worth say nothing, and neither does
their proportion to the limit.
"""

from dataclasses import dataclass

_RESERVE = 0.1
"""Part of the bucket in which the pace falls."""
_RESERVE_REQUESTS = 4
"""Least such part, in requests: a bucket that cannot hold a few is met by chance."""
_SLOWEST = 0.1
"""Least pace: headers may be wrong, and only a request shows that."""
DOUBT_SECONDS = 300.0
"""After this time without a refusal, headers that show nothing left are not believed any more. With
some left the time is longer, by the third power: half the pace for half an hour is what two users
of one key look like."""
_DOUBT_MOST = 3600.0


@dataclass(slots=True)
class ShownQuota:
    """What headers showed; amounts are in the unit of the limit."""

    size: float = 0.0
    """Most that the bucket was seen to hold before a request."""
    _most: float = 0.0
    """Most that was shown after one."""
    _level: float | None = None
    """What the bucket held before the last request, and what came in since."""
    _typical: float = 0.0
    """Mean amount of the last requests."""
    _doubt: float = 0.0
    _doubt_seconds: float = DOUBT_SECONDS

    def saw(self, remaining: float, amount: float) -> None:
        """Use a header that came with the answer to a request of an amount."""
        self._most = max(self._most, remaining)
        self._level = remaining + amount
        self.size = max(self.size, self._level)
        self._typical += (amount - self._typical) / 8 if self._typical else amount

    def left(self, limit: float) -> float:
        """The amount that is left as far as the headers show, at most the limit."""
        return limit if self._level is None else min(limit, self._level - self._typical)

    def advance(self, elapsed: float, per_second: float) -> None:
        """Let a time pass, in which the bucket is filled at the rate of the limit."""
        if self._level is not None:
            self._level = min(self.size, self._level + elapsed * per_second)
        held_back = 1.0 - self._allowed(per_second)
        self._doubt = min(1.0, self._doubt + held_back**3 * elapsed / self._doubt_seconds)

    def refused(self) -> None:
        """The headers were right after all; doubt comes back half as fast."""
        if self._doubt > 0.1:
            self._doubt_seconds = min(_DOUBT_MOST, 2 * self._doubt_seconds)
        self._doubt = 0.0

    def pace(self, per_second: float) -> float:
        """The part of the rate that the headers allow, from 0.1 to 1."""
        allowed = self._allowed(per_second)
        return allowed + (1.0 - allowed) * self._doubt

    def _allowed(self, per_second: float) -> float:
        if self._level is None or self._most < per_second:
            return 1.0
        reserve = min(self.size / 2, max(_RESERVE * self.size, _RESERVE_REQUESTS * self._typical))
        return max(_SLOWEST, min(1.0, self._level / reserve))
