"""The patch that saves Ray Data's helper actors on one machine."""

import pickle

import pytest
import ray
from ray.data._internal import stats
from ray.data._internal.execution import streaming_executor
from ray.data._internal.execution.operators import actor_pool_map_operator as pool

from ingest.cluster import one_node
from ingest.cluster.one_node import FixedNodes, NoActor

PATCHED = (
    (streaming_executor, "create_cluster_autoscaler"),
    (pool, "get_or_create_actor_location_tracker"),
    (pool, "get_actor_locations"),
    (stats, "get_or_create_stats_actor"),
)


@pytest.fixture(autouse=True)
def unpatched(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in PATCHED:
        monkeypatch.setattr(module, name, getattr(module, name))


def installed() -> list[str]:
    return [name for module, name in PATCHED if vars(module)[name].__module__ == one_node.__name__]


def test_the_patch_fits_the_ray_that_is_pinned_and_may_be_repeated() -> None:
    for _ in range(2):
        assert one_node.install(keep_statistics=False)
        assert installed() == [name for _, name in PATCHED]


def test_the_dashboard_keeps_its_figures() -> None:
    assert one_node.install(keep_statistics=True)

    assert "get_or_create_stats_actor" not in installed()


def test_another_version_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "__version__", "2.61.0")

    assert not one_node.install(keep_statistics=False)
    assert installed() == []


@pytest.mark.parametrize(("module", "name"), PATCHED)
def test_another_function_is_left_alone_with_all_others(
    module: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, lambda other, parameters: None)

    assert not one_node.install(keep_statistics=False)
    assert installed() == []


def test_what_stands_for_an_actor_travels_and_takes_every_call_that_ray_data_makes() -> None:
    nobody = pickle.loads(pickle.dumps(NoActor()))  # noqa: S301 - our own bytes

    nobody.update_actor_location.remote("actor", "node")
    nobody.register_dataset.remote("job", "tag", [], None, None)
    nobody.update_execution_metrics.remote("tag", [], [], {}, None)


def test_the_autoscaler_of_one_node_has_the_methods_of_ray_datas_own() -> None:
    from ray.data._internal.cluster_autoscaler import ClusterAutoscaler

    assert ClusterAutoscaler.__abstractmethods__ <= set(dir(FixedNodes))
