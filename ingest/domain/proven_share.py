"""The share of a limit that a provider grants in fact, learnt from its refusals.

A refusal says that the pace was too high at that moment, not by how much. Between two refusals the
provider's bucket went from empty to empty, so the amount that it granted meanwhile is the share
that is free. The pace goes a little below that share, returns to it slowly, and passes it slowly.
If nothing is refused there, the share is no bound any more, and the pace grows fast.
"""

import math
from dataclasses import dataclass

GROWTH = 0.01
"""Share of the limit by which the pace grows each second where no refusal is known."""
_FIRST_CUT = 0.9
"""The first refusal says little; the second one gives the measure."""
_BELOW, _ABOVE = 0.95, 1.05
"""Around a share that was refused. A bucket holds at least the amount that 5 % leave unused for the
time of one pass, so nothing is lost below."""
_PASS_LONGER = 4.0
"""The pace passes a refused share in four times as many answers, and four times the time, as
there were since the refusal before. So few refusals find the share, whatever the first ones say."""
_PASS_ANSWERS = (40.0, 2000.0)
"""Fewest and most answers of a pass. A refusal comes with up to three more requests that are under
way, so that 0.3 % of the requests are refused."""
_PASS_SECONDS = (10.0, 900.0)
"""Shortest and longest time of a pass; the longest is for a limit of few requests."""
_RECENT_SECONDS = 120.0
"""Two refusals within this time measure the free share."""
_LEAST = 0.02
"""A provider that is never asked cannot show that it grants again."""


@dataclass(slots=True)
class ProvenShare:
    """A share of a limit, from 0.02 to 1; times are seconds of a monotonic clock."""

    share: float = 1.0
    _refused_share: float | None = None
    """About this share the provider refused; None when no such share is known."""
    _refused_at: float | None = None
    _granted: float = 0.0
    """Amount that was granted since the last refusal."""
    _answers: int = 0
    """Answers since the last refusal."""
    _pass_answers: float = _PASS_ANSWERS[0]
    _pass_seconds: float = _PASS_SECONDS[0]

    def advance(self, elapsed: float) -> None:
        """Let the share grow for some seconds without a refusal."""
        bound = 1.0 if self._refused_share is None else _BELOW * self._refused_share
        if self.share < bound:
            self.share = min(bound, self.share + GROWTH * elapsed)
        elif self._refused_share is not None:
            self._pass(elapsed / self._pass_seconds)

    def granted(self, amount: float) -> None:
        """Count an amount that the provider granted."""
        self._granted += amount
        self._answers += 1
        if self._refused_share is not None and self.share >= _BELOW * self._refused_share:
            self._pass(1 / self._pass_answers)

    def refused(self, granted_at: float, now: float, *, per_second: float) -> None:
        """Lower the share after a refusal.

        Args:
            granted_at: When we let the request go; one from before the last refusal says no more
                than that one.
            now: The present time.
            per_second: The whole limit.
        """
        last, granted, answers = self._refused_at, self._granted, self._answers
        if last is not None and granted_at < last:
            return
        self._refused_at, self._granted, self._answers = now, 0.0, 0
        elapsed = math.inf if last is None else now - last
        if elapsed > _RECENT_SECONDS:
            self._refused_share = self.share
            self.share = max(_LEAST, self.share * _FIRST_CUT)
            self._pass_answers, self._pass_seconds = _PASS_ANSWERS[0], _PASS_SECONDS[0]
            return
        free = granted / elapsed / per_second if elapsed else 0.0
        self._refused_share = min(self.share, max(_LEAST, free, self.share / 2))
        self.share = max(_LEAST, _BELOW * self._refused_share)
        self._pass_answers = _within(_PASS_LONGER * answers, _PASS_ANSWERS)
        self._pass_seconds = _within(_PASS_LONGER * elapsed, _PASS_SECONDS)

    def halve(self) -> None:
        """Lower the share because the provider asked for a slower pace without a measure."""
        self.share = max(_LEAST, self.share / 2)

    def _pass(self, part: float) -> None:
        """Grow by a part of the way from below a refused share to above it."""
        refused = self._refused_share or 1.0
        self.share = min(1.0, self.share + part * (_ABOVE - _BELOW) * refused)
        if self.share >= min(1.0, _ABOVE * refused):
            self._refused_share = None


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
