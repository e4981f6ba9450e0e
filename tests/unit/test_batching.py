"""Packing texts into embedding batches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.batching import pack, share_out, spread

COUNTS = st.lists(st.integers(1, 100), max_size=60)


@given(COUNTS, st.integers(1, 20), st.integers(100, 400))
def test_batches_hold_every_text_once_in_order_and_within_the_limits(
    counts: list[int], max_items: int, max_tokens: int
) -> None:
    batches = pack(counts, max_items=max_items, max_tokens=max_tokens)

    assert [index for batch in batches for index in batch] == list(range(len(counts)))
    assert all(1 <= len(batch) <= max_items for batch in batches)
    assert all(sum(counts[index] for index in batch) <= max_tokens for batch in batches)


@given(COUNTS, st.integers(1, 20), st.integers(100, 400))
def test_no_batch_ends_while_the_next_text_still_fits(
    counts: list[int], max_items: int, max_tokens: int
) -> None:
    batches = pack(counts, max_items=max_items, max_tokens=max_tokens)

    for batch in batches[:-1]:
        tokens = sum(counts[index] for index in batch)
        assert len(batch) == max_items or tokens + counts[batch.stop] > max_tokens


def test_a_text_that_fills_a_batch_is_a_batch_alone() -> None:
    assert pack([5, 10, 5], max_items=9, max_tokens=10) == [range(1), range(1, 2), range(2, 3)]


def test_a_text_that_no_batch_can_hold_is_refused_with_its_limit() -> None:
    with pytest.raises(ValueError, match="text 1 has 11 tokens, limit 10"):
        pack([5, 11], max_items=9, max_tokens=10)


def test_no_texts_make_no_batches() -> None:
    assert pack([], max_items=1, max_tokens=1) == []


@given(
    total=st.integers(0, 10_000),
    ways=st.integers(0, 64),
    most=st.integers(1, 2048),
    least=st.integers(1, 2048),
)
def test_a_spread_keeps_to_the_largest_size_and_never_is_zero(
    total: int, ways: int, most: int, least: int
) -> None:
    size = spread(total, ways=ways, most=most, least=least)

    assert 1 <= size <= most
    assert size >= min(most, least)


def test_a_spread_gives_each_worker_a_share_but_none_too_small() -> None:
    assert spread(4000, ways=4, most=2048, least=128) == 1000
    assert spread(4001, ways=4, most=2048, least=128) == 1001
    assert spread(100, ways=4, most=2048, least=128) == 128
    assert spread(10**6, ways=4, most=2048, least=128) == 2048


@given(COUNTS, st.integers(1, 20), st.integers(1, 300))
def test_shares_hold_every_batch_once_in_order_and_no_more_than_they_may(
    sizes: list[int], ways: int, most: int
) -> None:
    shares = share_out(sizes, ways=ways, most=most)

    assert [index for share in shares for index in share] == list(range(len(sizes)))
    assert all(shares)
    assert all(len(share) == 1 or sum(sizes[i] for i in share) <= most for share in shares)
    assert all(len(share) <= -(-len(sizes) // ways) for share in shares)


def test_small_batches_go_together_when_there_are_more_than_workers() -> None:
    assert share_out([1] * 8, ways=4, most=128) == [range(2), range(2, 4), range(4, 6), range(6, 8)]
    assert share_out([1] * 3, ways=4, most=128) == [range(1), range(1, 2), range(2, 3)]
    assert share_out([100, 100], ways=1, most=128) == [range(1), range(1, 2)]
