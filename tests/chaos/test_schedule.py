"""Equal seeds attack in the same way."""

from itertools import islice

from tests.chaos.corpus import items
from tests.chaos.schedule import SECONDS, TAIL_SECONDS, schedule

_KINDS = list(SECONDS)


def test_equal_seeds_give_equal_schedules_and_others_do_not() -> None:
    first, again, other = (
        schedule(seed, seconds=600, kinds=_KINDS, pause=(6, 10)) for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_ten_minutes_have_room_for_every_kind_twice() -> None:
    faults = schedule(1, seconds=600, kinds=_KINDS, pause=(6, 10))

    kinds = [fault.kind for fault in faults]
    assert min(kinds.count(kind) for kind in _KINDS) >= 2


def test_a_fault_begins_after_the_one_before_and_ends_before_the_feed() -> None:
    faults = schedule(3, seconds=600, kinds=_KINDS, pause=(1, 2))

    ends = [fault.at + SECONDS[fault.kind] for fault in faults]
    assert all(end < fault.at for end, fault in zip(ends, faults[1:], strict=False))
    assert ends[-1] <= 600 - TAIL_SECONDS


def test_equal_seeds_give_equal_documents_with_versions_copies_scans_and_broken_ones() -> None:
    first, again = (list(islice(items("seed"), 100)) for _ in range(2))

    for one, other in zip(first, again, strict=True):
        assert (one.external_id, one.filename, one.refusal) == (
            other.external_id,
            other.filename,
            other.refusal,
        )
        if one.filename.endswith((".md", ".txt", ".html", ".pdf", ".eml")):
            assert one.content == other.content
    names, contents = {item.external_id for item in first}, {item.sha256 for item in first}
    assert len(names) < 100
    assert len(contents) < 100
    assert any(item.scanned_pages for item in first)
    assert {item.refusal for item in first} > {None}
