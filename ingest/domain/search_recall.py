"""How much an index finds of what exact search finds, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from ingest.domain.embedding_model import EmbeddingModel

RECALL_TARGET: Final = 0.98
"""Of the nearest chunks by exact search, the share that an index has to find, as a mean."""
EF_STEPS: Final = (100, 200, 400, 600, 800, 1000)
"""Candidates that HNSW keeps while it searches: what is tried, one after the other. pgvector allows
no more than the last, and more than the first costs little."""
EF_SEARCH: Final = EF_STEPS[-1]
"""Where nothing was measured: it is slower than it need be rather than that it misses something."""
EXACT_INSTEAD_MS: Final = 300.0
"""Longest exact search that may take the place of an index: one that misses too much, as the median
that was measured, and one that was not measured yet, as the time that is expected."""
MEASURED_K: Final = 10
"""Chunks that each question of a measurement asks for."""
KEPT_QUESTIONS: Final = 200
"""Of each tenant and space, the newest."""
KEPT_FOR: Final = timedelta(days=30)
"""Age of a question at most."""


@dataclass(frozen=True, slots=True)
class Case:
    """A tenant's search in a vector space, which is to be measured."""

    tenant_id: UUID
    model: EmbeddingModel


@dataclass(frozen=True, slots=True)
class Measurement:
    """What came of it."""

    recall: float
    """Of the index, with ``ef_search``."""
    questions: int
    ef_search: int
    exact_ms: float
    """Median of exact search."""

    @property
    def misses_too_much(self) -> bool:
        """Whether the index finds less than it has to."""
        return self.recall < RECALL_TARGET

    @property
    def is_exact(self) -> bool:
        """Whether the tenant is searched without the index from now on."""
        return self.misses_too_much and self.exact_ms <= EXACT_INSTEAD_MS

    @property
    def falls_short(self) -> bool:
        """Whether the tenant's search misses too much, because exact search is too slow."""
        return self.misses_too_much and not self.is_exact


def found(scores: Sequence[float], exact: Sequence[float]) -> float:
    """The share of the nearest that an answer holds, told by cosines.

    Chunks of equal text are equally near, and each of them is right.

    Args:
        scores: Of what the index found.
        exact: Of what exact search found, the nearest first; not empty.
    """
    return sum(score >= exact[-1] - 1e-9 for score in scores) / len(exact)
