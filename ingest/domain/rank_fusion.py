"""Merges rankings that were made by different measures."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)
SMOOTHING = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009)."""


def fuse(*rankings: Sequence[T]) -> list[T]:
    """Merge the rankings, best first; the sum of 1 / (60 + rank) decides.

    Of equal sums, the item that is first in the earlier ranking comes first.
    """
    points: dict[T, float] = {}
    for ranking in rankings:
        for rank, entry in enumerate(ranking, start=1):
            points[entry] = points.get(entry, 0.0) + 1 / (SMOOTHING + rank)
    return sorted(points, key=lambda entry: -points[entry])
