"""The vectors in an answer of OpenAI's embeddings endpoint."""

import base64
from typing import Any

import numpy as np

from ingest.domain.embedding import EmbeddingModel, Vectors, validate_vectors
from ingest.domain.errors import InvalidVector


def decode(answer: dict[str, Any], count: int, model: EmbeddingModel) -> tuple[Vectors, int]:
    """The vectors in the order of the texts, and the tokens that were charged.

    Args:
        answer: The answer's body, with vectors in base64.
        count: Texts that were sent.
        model: The space they were sent to.

    Raises:
        InvalidVector: too few, too many, twice the same, of another size, or no vectors.
        ValueError: not base64.
        KeyError, TypeError: of another shape.
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
