"""Makes vectors from texts alone: texts with common words get similar vectors."""

import hashlib
import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
WIDEST = 3072


@lru_cache(maxsize=20_000)
def _word(word: str, dimension: int) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
    return np.random.Generator(np.random.SFC64(seed)).standard_normal(dimension, dtype=np.float32)


def vector(text: str, dimension: int) -> NDArray[np.float32]:
    """Make the vector of a text: float32[dimension], of length 1."""
    words = _WORD.findall(text.lower()) or [text]
    total = np.zeros(dimension, dtype=np.float32)
    for word in words:
        total += _word(word, dimension)
    own = _word(hashlib.sha256(text.encode()).hexdigest(), dimension) * np.float32(0.1)
    total += own
    return np.asarray(total / np.linalg.norm(total), dtype=np.float32)


def shortened(full: NDArray[np.float32], dimension: int) -> NDArray[np.float32]:
    """Shorten a vector, and normalise it again to length 1."""
    part = full[:dimension]
    return np.asarray(part / np.linalg.norm(part), dtype=np.float32)
