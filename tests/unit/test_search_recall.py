"""When search is exact, what counts as found, and which sentences pass for questions."""

import pytest

from ingest.domain.exact_search import EXACT_MS, expected_ms, most_documents
from ingest.domain.held_out import sentence_of
from ingest.domain.search_recall import EXACT_INSTEAD_MS, RECALL_TARGET, Measurement, found


@pytest.mark.parametrize(
    ("dimension", "least", "most"), [(256, 10_000, 20_000), (1536, 4_000, 8_000)]
)
def test_exact_search_has_a_bound_that_depends_on_the_dimension(
    dimension: int, least: int, most: int
) -> None:
    assert expected_ms(documents=1, vectors=least, dimension=dimension) < EXACT_MS
    assert expected_ms(documents=1, vectors=most, dimension=dimension) > EXACT_MS


def test_so_many_documents_are_too_many_whatever_they_hold() -> None:
    count = most_documents(EXACT_MS)

    assert expected_ms(documents=count, vectors=count, dimension=1) > EXACT_MS
    assert most_documents(0) == 1


def test_equal_texts_are_equally_right() -> None:
    exact = [0.9, 0.8, 0.8]

    assert found([0.9, 0.8, 0.8], exact) == 1.0
    assert found([0.9, 0.8, 0.7], exact) == pytest.approx(2 / 3)
    assert found([0.9], exact) == pytest.approx(1 / 3)
    assert found([], exact) == 0.0


@pytest.mark.parametrize(
    ("recall", "exact_ms", "is_exact", "falls_short"),
    [
        (RECALL_TARGET, 1.0, False, False),
        (0.5, EXACT_INSTEAD_MS, True, False),
        (0.5, EXACT_INSTEAD_MS + 1, False, True),
    ],
)
def test_a_tenant_is_searched_exactly_where_the_index_fails_and_that_is_fast_enough(
    recall: float, exact_ms: float, is_exact: bool, falls_short: bool
) -> None:
    measured = Measurement(recall, 50, 1000, exact_ms)

    assert (measured.is_exact, measured.falls_short) == (is_exact, falls_short)


def test_a_sentence_of_a_text_passes_for_a_question() -> None:
    text = (
        "Short. This sentence is as long as a question. "
        + "long " * 60
        + ". Another one of\nthe right length! No."
    )

    assert sentence_of(text) == "Another one of the right length!"
    assert sentence_of("too short") == "too short"
    assert len(sentence_of("word " * 100)) <= 200
