"""Embedding models, and the check of their vectors."""

import numpy as np
from numpy.typing import NDArray

from ingest.domain.embedding_model import EmbeddingModel as EmbeddingModel
from ingest.domain.errors import InvalidVector

Vectors = NDArray[np.float32]
"""float32[n, dimension]; one L2-normalised row for each text."""


def validate_vectors(vectors: Vectors, *, count: int, model: EmbeddingModel) -> Vectors:
    """Check an embedder's answer and return it L2-normalised.

    Raises:
        InvalidVector: wrong count or dimension, a NaN or infinity, or a vector without length.
    """
    if vectors.shape != (count, model.dimension):
        raise InvalidVector(
            f"{model.label} returned shape {vectors.shape}, expected {(count, model.dimension)}"
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
        raise InvalidVector(f"{model.label} returned a vector that is zero or not finite")
    return np.asarray(vectors / lengths, dtype=np.float32)
