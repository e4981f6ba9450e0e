"""Kinds of vector indexes; in a file of their own, which does not import NumPy."""

from enum import StrEnum


class IndexKind(StrEnum):
    """The kind of index over the vectors of a model."""

    HALFVEC = "halfvec"
    """HNSW over half-precision vectors."""
    BIT = "bit"
    """HNSW over one sign bit a dimension, over-fetched and re-ranked with the exact vectors."""


LEAST_EF_CONSTRUCTION, EF_CONSTRUCTION, MOST_EF_CONSTRUCTION = 32, 64, 1000
"""Candidates for the neighbours of a row during an insert: the least (twice m = 16), pgvector's
default, and the most. Fewer candidates make inserts faster and recall lower."""
_GRAPH_BYTES = 1100
"""Bytes of a row in the graph in addition to its value: neighbours with m = 16, a header and unused
space of the allocator; measured with pgvector 0.8."""


def bytes_to_build(kind: IndexKind, *, dimension: int, vectors: int) -> int:
    """Memory in bytes to build an index quickly; with less, PostgreSQL builds it on disk."""
    value = dimension // 8 if kind is IndexKind.BIT else 2 * dimension
    return vectors * (value + _GRAPH_BYTES)
