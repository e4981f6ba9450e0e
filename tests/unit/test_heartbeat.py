"""When a stream counts as alive."""

import pytest

from ingest.domain.heartbeat import HEARTBEAT, SILENT_AFTER, is_alive


@pytest.mark.parametrize(
    ("heartbeats_missed", "alive"), [(0, True), (1, True), (4, True), (5, True), (6, False)]
)
def test_a_stream_may_miss_a_few_heartbeats(heartbeats_missed: int, alive: bool) -> None:
    assert is_alive(heartbeats_missed * HEARTBEAT.total_seconds()) is alive


def test_a_stream_that_missed_more_than_it_may_is_dead() -> None:
    assert not is_alive(SILENT_AFTER.total_seconds() + 0.001)
