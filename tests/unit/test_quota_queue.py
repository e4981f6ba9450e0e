"""Who is next: first come first served within a tenant, fair between tenants and classes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.job import Lane
from ingest.domain.quota_queue import QuotaQueue

entries = st.lists(
    st.tuples(st.sampled_from(list(Lane)), st.sampled_from("abc"), st.floats(1, 1000)),
    max_size=60,
)


@given(entries)
def test_everybody_is_served_once_and_in_order_within_a_tenant(
    given_entries: list[tuple[Lane, str, float]],
) -> None:
    queue = QuotaQueue[tuple[Lane, str, int]]()
    for place, (lane, tenant, cost) in enumerate(given_entries):
        queue.push((lane, tenant, place), lane=lane, tenant=tenant, cost=cost)

    served = [queue.pop() for _ in given_entries]

    assert queue.pop() is None
    assert len(queue) == 0
    flows: dict[tuple[Lane, str], list[int]] = {}
    for item in served:
        assert item is not None
        flows.setdefault(item[:2], []).append(item[2])
    assert all(places == sorted(places) for places in flows.values())
    assert sorted(i for places in flows.values() for i in places) == list(range(len(given_entries)))


def test_a_light_tenant_is_not_behind_the_backlog_of_a_heavy_one() -> None:
    queue = QuotaQueue[str]()
    for _ in range(1000):
        queue.push("heavy", lane=Lane.INTERACTIVE, tenant="heavy", cost=100)
    queue.pop()
    queue.push("light", lane=Lane.INTERACTIVE, tenant="light", cost=100)

    assert "light" in [queue.pop(), queue.pop()]


def test_tenants_share_by_cost_and_not_by_requests() -> None:
    queue = QuotaQueue[str]()
    for _ in range(300):
        queue.push("big", lane=Lane.INTERACTIVE, tenant="big", cost=300)
        queue.push("small", lane=Lane.INTERACTIVE, tenant="small", cost=100)

    served = Counter(queue.pop() for _ in range(200))

    assert abs(300 * served["big"] - 100 * served["small"]) <= 600


def test_interactive_work_gets_nine_parts_of_ten_while_backfill_waits_too() -> None:
    queue = QuotaQueue[Lane]()
    for _ in range(1000):
        for lane in (Lane.INTERACTIVE, Lane.BACKFILL):
            queue.push(lane, lane=lane, tenant="t", cost=10)

    served = Counter(queue.pop() for _ in range(500))

    assert 440 <= served[Lane.INTERACTIVE] <= 460


def test_a_class_that_was_alone_owes_nothing_later() -> None:
    queue = QuotaQueue[Lane]()
    for _ in range(500):
        queue.push(Lane.BACKFILL, lane=Lane.BACKFILL, tenant="t", cost=10)
    for _ in range(400):
        queue.pop()
    for _ in range(200):
        queue.push(Lane.INTERACTIVE, lane=Lane.INTERACTIVE, tenant="t", cost=10)

    served = Counter(queue.pop() for _ in range(100))

    assert 85 <= served[Lane.INTERACTIVE] <= 95


def test_who_gave_up_is_not_served() -> None:
    queue = QuotaQueue[object]()
    first, second = object(), object()
    queue.push(first, lane=Lane.INTERACTIVE, tenant="t", cost=1)
    queue.push(second, lane=Lane.INTERACTIVE, tenant="t", cost=1)
    queue.discard(first)

    assert queue.peek() is second
    assert queue.pop() is second
