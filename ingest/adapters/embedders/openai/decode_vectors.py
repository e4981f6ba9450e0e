"""Decodes the vectors in an answer of OpenAI's embeddings endpoint."""

import base64
from typing import Any

import numpy as np

from ingest.domain.embedding import EmbeddingModel, Vectors, validate_vectors
from ingest.domain.errors import InvalidVector


def decode(answer: dict[str, Any], count: int, model: EmbeddingModel) -> tuple[Vectors, int]:
    """Decode the vectors, in the order of the texts, and the charged tokens.

    Args:
        answer: The body, with vectors in base64.
        count: Number of texts that were sent.
        model: The model that embedded them.

    Raises:
        InvalidVector: vectors are missing, extra, repeated, or of another size.
        ValueError: a vector is not base64.
        KeyError, TypeError: the body has another structure.
    """
    entries = answer["data"]
    if sorted(entry["index"] for entry in entries) != list(range(count)):
        raise InvalidVector(f"{len(entries)} vectors came back for {count} texts")
    vectors = np.empty((count, model.dimension), dtype=np.float32)
    for entry in entries:
        decoded = np.frombuffer(base64.b64decode(entry["embedding"], validate=True), "<f4")
        if decoded.shape != (model.dimension,):
            raise InvalidVector(
                f"a vector of {decoded.size} numbers came back, not {model.dimension}"
            )
        vectors[entry["index"]] = decoded
    tokens = int(answer["usage"]["prompt_tokens"])
    return validate_vectors(vectors, count=count, model=model), tokens
