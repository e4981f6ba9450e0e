"""Merging of rankings."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.rank_fusion import EXACT, fuse

MEASURED = st.dictionaries(st.integers(0, 30), st.floats(-1, 1, allow_nan=False), max_size=15)
COUNTED = st.dictionaries(st.integers(0, 30), st.floats(0, 50, allow_nan=False), max_size=15)


def test_what_both_rankings_put_high_comes_before_what_one_does() -> None:
    scores = fuse({"a": 0.9, "c": 0.8, "b": 0.1}, {"d": 9.0, "c": 8.0, "e": 1.0}, set())

    assert next(iter(scores)) == "c"


def test_one_ranking_alone_stays_as_it_is() -> None:
    assert list(fuse({"b": 0.9, "a": 0.1}, {}, set())) == ["b", "a"]
    assert list(fuse({}, {"b": 9.0, "a": 1.0}, set())) == ["b", "a"]


def test_the_best_of_one_ranking_alone_has_the_best_score() -> None:
    assert fuse({"b": 0.9, "a": 0.1}, {}, set())["b"] == EXACT
    assert fuse({}, {"b": 9.0, "a": 1.0}, set())["b"] == EXACT
    assert fuse({}, {"b": 9.0, "a": 1.0}, {"b"})["b"] == 1


def test_similarities_that_say_nothing_decide_only_where_no_word_is_found() -> None:
    scores = fuse({"b": 0.9, "a": 0.1}, {"a": 9.0}, set(), lexical_share=1.0)
    wordless = fuse({"b": 0.9, "a": 0.1}, {}, set(), lexical_share=1.0)

    assert list(scores) == ["a", "b"]
    assert list(wordless) == ["b", "a"]


def test_an_exact_match_comes_first_however_far_it_is() -> None:
    scores = fuse({"near": 1.0, "exact": -1.0}, {"near": 50.0, "exact": 0.1}, {"exact"})

    assert list(scores) == ["exact", "near"]
    assert scores["exact"] >= EXACT >= scores["near"]


@given(MEASURED, COUNTED, st.sets(st.integers(0, 30)))
def test_scores_are_from_0_to_1_and_in_order_and_nothing_is_lost(
    similarities: dict[int, float], lexical: dict[int, float], exact: set[int]
) -> None:
    scores = fuse(similarities, lexical, exact)

    assert set(scores) == set(similarities) | set(lexical)
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert all(0 <= score <= 1 for score in scores.values())
    assert all(
        (score >= EXACT) == (one in exact or score == EXACT) for one, score in scores.items()
    )
