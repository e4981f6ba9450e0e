"""Kinds of indexes; apart from the vectors, so that to name one loads no numerics."""

from enum import StrEnum


class IndexKind(StrEnum):
    """How a model's vectors are indexed for search."""

    HALFVEC = "halfvec"
    """HNSW over half-precision vectors."""
    BIT = "bit"
    """HNSW over one sign bit a dimension, over-fetched and re-ranked with the exact vectors."""
