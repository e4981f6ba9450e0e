"""What bounds a fleet, and which fleet is enough."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain import capacity
from ingest.domain.capacity import Cost, Fleet, Mix, Provider, Work
from ingest.domain.stage_costs import LOCAL, PROVIDER

OFFICE = Mix(chunks=8, tokens=3_200)
TIER_1 = Provider(1_000_000, 3_000, 0.3, Decimal("0.02"))
LARGE = replace(TIER_1, tokens_per_minute=1e12, requests_per_minute=1e9)
MIXES = st.builds(
    lambda chunks, each: Mix(chunks, chunks * each), st.floats(1, 500), st.floats(20, 512)
)


def tightest(mix: Mix, fleet: Fleet, provider: Provider | None) -> capacity.Bound:
    costs = PROVIDER if provider else LOCAL
    return capacity.bounds(mix, costs, fleet, provider)[0]


def test_a_small_quota_is_the_bottleneck_of_a_large_fleet() -> None:
    fleet = Fleet(nodes=50, cpus_per_node=8, parse_pool=50, chunk_pool=50, embed_pool=50)
    found = tightest(OFFICE, fleet, TIER_1)

    assert found.resource == "quota: tokens"
    assert found.documents_per_second == pytest.approx(0.98 * 1_000_000 / 60 / 3_200)


def test_a_slow_provider_bounds_a_small_pool() -> None:
    fleet = Fleet(nodes=9, embed_concurrency=1, batch_items=8, parse_pool=9, chunk_pool=9)
    slow = replace(LARGE, latency_seconds=5.0)
    found = tightest(OFFICE, fleet, slow)

    assert found.resource == "embed pool"
    assert found.documents_per_second == pytest.approx(1 / 5, rel=0.05)


@pytest.mark.parametrize("provider", [None, LARGE])
def test_twice_the_cpus_let_twice_as_much_through_where_cpus_are_short(
    provider: Provider | None,
) -> None:
    costs = {**(PROVIDER if provider else LOCAL), Work.RAY: Cost(0.0, 0.0, 0.0)}
    one, two = (
        capacity.bounds(OFFICE, costs, fleet, provider)[0]
        for fleet in (
            Fleet(nodes=nodes, parse_pool=99, chunk_pool=99, embed_pool=99) for nodes in (1, 2)
        )
    )

    assert (one.resource, two.resource) == ("cpu", "cpu")
    assert two.documents_per_second == pytest.approx(2 * one.documents_per_second)


@given(st.floats(0.01, 40), MIXES, st.sampled_from([None, LARGE]), st.booleans())
def test_a_fleet_for_a_pace_keeps_it(
    pace: float, mix: Mix, provider: Provider | None, shared: bool
) -> None:
    costs = PROVIDER if provider else LOCAL
    start = Fleet(database_here=shared, database_cpus=1e9)
    fleet = capacity.fleet_for(pace, mix, costs, start, provider)
    others = [
        bound
        for bound in capacity.bounds(mix, costs, fleet, provider)
        if bound.resource != "stream"  # one of them, whatever the fleet
    ]

    assert all(bound.documents_per_second >= pace * 0.999 for bound in others)


def test_a_call_is_as_full_as_its_limits_allow() -> None:
    assert capacity.calls_per_document(Mix(10, 4_000), Fleet(batch_items=5)) == 2
    assert capacity.calls_per_document(Mix(10, 4_000), Fleet(batch_tokens=1_000)) == 4


def test_money_and_connections() -> None:
    fleet = Fleet(parse_pool=2, chunk_pool=1, embed_pool=3)

    assert capacity.usd_a_month(1000, OFFICE, TIER_1) == Decimal("1.92")
    assert capacity.usd_a_month(1000, OFFICE, None) == 0
    assert capacity.connections(fleet, pool_size=4, replicas=1) == 4 * (6 + 1 + 2)


def test_bits_take_less_memory_than_numbers() -> None:
    numbers, bits = (
        capacity.storage(1e6, OFFICE, dimension=1536, bits=bits) for bits in (False, True)
    )

    assert bits.vectors_index < numbers.vectors_index / 5
    assert bits.rows == numbers.rows
    assert numbers.all == numbers.rows + numbers.vectors_index + numbers.words_index
