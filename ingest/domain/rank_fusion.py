"""Merges rankings that were made by different measures."""

from collections.abc import Hashable, Mapping, Set
from typing import TypeVar

T = TypeVar("T", bound=Hashable)
LEXICAL_SHARE = 0.5
"""What the lexical score counts beside the similarity. From 0.4 to 0.7 the results of
benchmarks.retrieval differ little."""
EXACT = 0.5
"""The least score of a chunk that holds the words of the query as they are written."""


def fuse(
    similarities: Mapping[T, float],
    lexical: Mapping[T, float],
    exact: Set[T],
    *,
    lexical_share: float = LEXICAL_SHARE,
) -> dict[T, float]:
    """One score from 0 to 1 for each candidate of both rankings, best first; words decide ties.

    Each measure is divided by its best value, so that the two are added in proportion: Bruch, Gai
    and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", ACM TOIS 42 (2023), find
    such sums above sums of reciprocal ranks. Exact matches come before all others.

    Args:
        similarities: Cosine similarity of every candidate.
        lexical: BM25 of the candidates that hold words of the query.
        exact: Candidates that hold the query itself.
        lexical_share: 1 where similarities say nothing; they still decide where no word is found.
    """
    scores: dict[T, float] = {}
    nearest = max(similarities.values(), default=0.0)
    best = max(lexical.values(), default=0.0)
    share = 0.0 if best <= 0 else lexical_share if nearest > 0 else 1.0
    for candidate in {**similarities, **lexical}:
        near = max(similarities.get(candidate, 0.0), 0.0) / nearest if nearest > 0 else 0.0
        found = lexical.get(candidate, 0.0) / best if best > 0 else 0.0
        fused = share * found + (1 - share) * near
        scores[candidate] = (1 - EXACT) * fused + (EXACT if candidate in exact else 0.0)
    return dict(
        sorted(scores.items(), key=lambda entry: (entry[1], lexical.get(entry[0], 0)), reverse=True)
    )
