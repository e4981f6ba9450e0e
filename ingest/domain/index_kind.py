"""Kinds of indexes; apart from the vectors, so that to name one loads no numerics."""

from enum import StrEnum


class IndexKind(StrEnum):
    """How a model's vectors are indexed for search."""

    HALFVEC = "halfvec"
    """HNSW over half-precision vectors."""
    BIT = "bit"
    """HNSW over one sign bit a dimension, over-fetched and re-ranked with the exact vectors."""


LEAST_EF_CONSTRUCTION, EF_CONSTRUCTION, MOST_EF_CONSTRUCTION = 32, 64, 1000
"""Candidates for the neighbours of a row while an index takes it in: twice m = 16 at least, what
pgvector does by default, and at most. Fewer make inserting faster and recall lower."""
_GRAPH_BYTES = 1100
"""What a row takes in the graph beside its value: neighbours with m = 16, a header, and what the
allocator leaves over; measured with pgvector 0.8."""


def bytes_to_build(kind: IndexKind, *, dimension: int, vectors: int) -> int:
    """Memory in which an index is built at once; with less, row by row on disk, which is slow."""
    value = dimension // 8 if kind is IndexKind.BIT else 2 * dimension
    return vectors * (value + _GRAPH_BYTES)
