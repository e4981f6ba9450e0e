"""When a job will be done, from what was done of late."""

from datetime import timedelta

import pytest

from ingest.domain.eta import LEAST, Throughput, time_left


@pytest.mark.parametrize("published", range(LEAST))
def test_too_little_done_of_late_says_nothing(published: int) -> None:
    pace = Throughput(published, own_published=published, tenants=1, seconds=10, own_held=0)

    assert time_left(pace, jobs_ahead=0, is_held=False) is None


def test_a_queued_job_ends_after_those_before_it_and_those_under_work() -> None:
    pace = Throughput(published=100, own_published=20, tenants=5, seconds=40, own_held=3)

    assert time_left(pace, jobs_ahead=6, is_held=False) == timedelta(seconds=(6 + 3 + 1) * 2)


def test_a_held_job_ends_among_those_under_work() -> None:
    pace = Throughput(published=20, own_published=20, tenants=1, seconds=40, own_held=3)

    assert time_left(pace, jobs_ahead=0, is_held=True) == timedelta(seconds=6)
    alone = Throughput(published=20, own_published=20, tenants=1, seconds=40, own_held=0)
    assert time_left(alone, jobs_ahead=0, is_held=True) == timedelta(seconds=2)


def test_a_tenant_without_a_pace_of_its_own_gets_an_equal_share() -> None:
    pace = Throughput(published=40, own_published=0, tenants=3, seconds=40, own_held=0)

    assert time_left(pace, jobs_ahead=4, is_held=False) == timedelta(seconds=5 * (3 + 1))


def test_a_burst_of_no_time_is_no_infinite_pace() -> None:
    pace = Throughput(published=10, own_published=10, tenants=1, seconds=0, own_held=0)

    assert time_left(pace, jobs_ahead=99, is_held=False) == timedelta(seconds=10)
