"""Merging of rankings."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.rank_fusion import fuse

RANKINGS = st.lists(st.lists(st.integers(0, 30), unique=True, max_size=15), min_size=1, max_size=3)


def test_what_both_rankings_name_comes_before_what_one_does() -> None:
    assert fuse(["a", "b", "c"], ["d", "c", "e"]) == ["c", "a", "d", "b", "e"]


def test_one_ranking_stays_as_it_is() -> None:
    assert fuse(["b", "a"], []) == ["b", "a"]


@given(RANKINGS)
def test_nothing_is_lost_or_named_twice(rankings: list[list[int]]) -> None:
    merged = fuse(*rankings)

    assert len(merged) == len(set(merged))
    assert set(merged) == {entry for ranking in rankings for entry in ranking}


@given(st.lists(st.integers(), unique=True, max_size=15))
def test_rankings_that_agree_are_kept(ranking: list[int]) -> None:
    assert fuse(ranking, ranking) == ranking
