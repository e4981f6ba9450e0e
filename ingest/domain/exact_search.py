"""When search compares with every vector instead of asking an index.

The numbers of this file were measured with ``python -m benchmarks.index``; docs/benchmarks.md says
on what machine.
"""

from typing import Final

EXACT_MS: Final = 30.0
"""Milliseconds that comparing with every vector may take, unless the settings say otherwise."""
_DOCUMENT_MS = 0.002
_VECTOR_MS = 0.001
_NUMBER_MS = 2.8e-6
"""For each document, each vector, and each number of a vector. Of 256 numbers, a thousand vectors
take 1.3 ms; of 1,536 numbers 1.5 ms within their rows, and 5.3 ms out of line, which counts."""


def expected_ms(*, documents: int, vectors: int, dimension: int) -> float:
    """Time in milliseconds of a comparison with all vectors of these documents."""
    return documents * _DOCUMENT_MS + vectors * (_VECTOR_MS + dimension * _NUMBER_MS)


def most_documents(ms: float) -> int:
    """Documents that cannot all be compared with in this time, however few vectors they have."""
    return int(ms / (_DOCUMENT_MS + _VECTOR_MS)) + 1
