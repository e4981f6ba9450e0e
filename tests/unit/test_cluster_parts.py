"""The parts of the stream that need no running Ray."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
import ray
from ray.data._internal.execution import streaming_executor_state

from ingest.cluster import low_latency
from ingest.cluster.background_loop import BackgroundLoop
from ingest.cluster.envelope import seal, unseal
from tests.unit.stage_fixtures import a_job


@pytest.mark.parametrize("content", [None, [], [a_job(b"x" * 100_000)], "text"])
def test_what_was_sealed_is_unsealed(content: object) -> None:
    table = seal(content)

    assert (table.num_rows, table.num_columns) == (1, 1)
    assert unseal(table) == content


def test_an_envelope_is_one_column_whatever_it_holds() -> None:
    assert seal(None).schema == seal([1, 2]).schema == pa.schema([("envelope", pa.large_binary())])


def test_a_background_loop_runs_waits_and_ends() -> None:
    before = threading.active_count()
    with BackgroundLoop() as loop:
        endless = loop.spawn(asyncio.sleep(60))
        assert loop.run(asyncio.sleep(0, "result")) == "result"
    assert endless.cancelled()
    assert threading.active_count() == before
    loop.close()


def test_an_error_in_the_background_is_raised_where_it_is_waited_for() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with BackgroundLoop() as loop, pytest.raises(ValueError, match="broken"):
        loop.run(fail())


def rays_scheduler_uses() -> Any:
    """What the scheduler of Ray Data means by ``ray``."""
    return vars(streaming_executor_state)["ray"]


@pytest.fixture
def unpatched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming_executor_state, "ray", ray)


@pytest.mark.usefixtures("unpatched")
def test_the_patch_fits_the_ray_that_is_pinned_and_is_applied_once() -> None:
    assert low_latency.install()
    patched = rays_scheduler_uses()
    assert patched is not ray
    assert patched.get is ray.get

    assert low_latency.install()
    assert rays_scheduler_uses() is patched


@pytest.mark.usefixtures("unpatched")
def test_another_version_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "__version__", "2.61.0")

    assert not low_latency.install()
    assert rays_scheduler_uses() is ray


@pytest.mark.usefixtures("unpatched")
def test_a_scheduler_that_waits_in_another_way_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming_executor_state, "process_completed_tasks", lambda: None)

    assert not low_latency.install()
    assert rays_scheduler_uses() is ray


def test_a_wait_returns_with_the_first_and_takes_all_that_are_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready = {"b", "c"}
    calls: list[tuple[int, float | None]] = []

    def wait(
        waitables: list[str], *, num_returns: int, timeout: float | None, fetch_local: bool
    ) -> tuple[list[str], list[str]]:
        calls.append((num_returns, timeout))
        found = [entry for entry in waitables if entry in ready][:num_returns]
        return found, [entry for entry in waitables if entry not in found]

    monkeypatch.setattr(low_latency, "ray", SimpleNamespace(wait=wait))
    waking = low_latency._WakingRay(gap=0.0)

    assert waking.wait(["a", "b", "c"], num_returns=3, timeout=0.1) == (["b", "c"], ["a"])
    assert calls == [(1, 0.1), (3, 0)]
