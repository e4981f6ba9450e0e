"""Which answers of an embedder are taken for vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ingest.domain.embedding import EmbeddingModel, validate_vectors
from ingest.domain.errors import InvalidVector

MODEL = EmbeddingModel("m", "1", 4)


def refuse(vectors: np.ndarray, *, count: int = 2) -> None:
    with pytest.raises(InvalidVector, match="m@1 returned"):
        validate_vectors(vectors, count=count, model=MODEL)


@given(
    arrays.arrays(
        np.float32,
        (3, 4),
        elements=st.floats(0.015625, 1000, width=32) | st.floats(-1000, -0.015625, width=32),
    )
)
def test_vectors_come_back_with_length_one_and_their_direction(vectors: np.ndarray) -> None:
    normalised = validate_vectors(vectors, count=3, model=MODEL)

    assert normalised.dtype == np.float32
    assert np.allclose(np.linalg.norm(normalised, axis=1), 1, atol=1e-5)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.allclose(normalised * lengths, vectors, rtol=1e-3)


@pytest.mark.parametrize("shape", [(1, 4), (3, 4), (2, 3), (2, 5), (8,), (2, 4, 1)])
def test_the_wrong_count_or_dimension_is_refused(shape: tuple[int, ...]) -> None:
    refuse(np.ones(shape, dtype=np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_none_spoils_the_answer(bad: float) -> None:
    vectors = np.ones((2, 4), dtype=np.float32)
    vectors[1, 2] = bad

    refuse(vectors)


def test_a_vector_without_length_is_refused() -> None:
    refuse(np.array([[1, 0, 0, 0], [0, 0, 0, 0]], dtype=np.float32))


@pytest.mark.parametrize("size", [1e-30, 1e-42, 1e30])
def test_numbers_too_small_or_too_large_for_a_length_are_refused(size: float) -> None:
    with np.errstate(all="ignore"):
        refuse(np.full((2, 4), size, dtype=np.float32))
