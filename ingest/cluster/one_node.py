"""Ray Data on one machine, without its three helper actors.

Ray Data 2.60 starts an actor that asks for more nodes, one that knows the node of each actor, and
one that collects figures for Ray's dashboard. They take 70 to 120 MB each, a second of CPU at the
start, and a tenth of the driver's time. A Ray of our own has one node for ever, and without the
dashboard nobody reads the figures. This replaces the functions that make them, in the process that
drives the stream. It is private API, as in ``low_latency``: the version and every name is checked
first, and without the patch all works, with three more actors.
"""

import dataclasses
import inspect
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import ray

from ingest.cluster.low_latency import SUPPORTED

if TYPE_CHECKING:
    from ray.data._internal.execution.interfaces import ExecutionResources

_EXECUTOR = "ray.data._internal.execution.streaming_executor"
_POOL = "ray.data._internal.execution.operators.actor_pool_map_operator"
_STATS = "ray.data._internal.stats"
_REPLACED = {
    (_EXECUTOR, "create_cluster_autoscaler"): ["topology", "resource_manager", "data_context"],
    (_POOL, "get_or_create_actor_location_tracker"): [],
    (_POOL, "get_actor_locations"): ["logical_actor_ids"],
    (_STATS, "get_or_create_stats_actor"): [],
}
"""Module and name of each function, with the parameters that it has to have."""
_IS_OURS = "is_of_one_node"


class FixedNodes:
    """The place of Ray Data's cluster autoscaler: the nodes that are there are all."""

    def try_trigger_scaling(self) -> None:
        """Ask for nothing."""

    def on_executor_shutdown(self) -> None:
        """Give nothing back."""

    def get_total_resources(self) -> "ExecutionResources":
        """What the nodes have."""
        from ray.data._internal.execution.interfaces import ExecutionResources

        found = ray.cluster_resources()  # type: ignore[no-untyped-call]
        total: ExecutionResources = ExecutionResources.from_resource_dict(found)
        return total


@dataclasses.dataclass(frozen=True, slots=True)
class _NoCall:
    """The place of an actor's method."""

    def remote(self, *_: object, **__: object) -> None:
        """Call nobody."""


@dataclasses.dataclass(frozen=True, slots=True)
class NoActor:
    """The place of an actor that is told something; it travels to the pools' actors."""

    update_actor_location: _NoCall = _NoCall()
    register_dataset: _NoCall = _NoCall()
    update_execution_metrics: _NoCall = _NoCall()
    update_iteration_metrics: _NoCall = _NoCall()


def install(*, keep_statistics: bool) -> bool:
    """Patch this process, if this is the Ray it was written for; returns whether it is.

    Args:
        keep_statistics: Leave the actor that collects figures for Ray's dashboard.
    """
    if not ray.__version__.startswith(SUPPORTED):
        return False
    modules = {name: import_module(name) for name, _ in _REPLACED}
    if not all(_is_known(modules[module], name) for module, name in _REPLACED):
        return False
    wanted = {
        (_EXECUTOR, "create_cluster_autoscaler"): lambda *_, **__: FixedNodes(),
        (_POOL, "get_or_create_actor_location_tracker"): NoActor,
        (_POOL, "get_actor_locations"): lambda logical_actor_ids: {},
    }
    if not keep_statistics:
        wanted[_STATS, "get_or_create_stats_actor"] = NoActor
    for (module, name), replacement in wanted.items():
        vars(modules[module])[name] = _marked(replacement)
    return True


def _is_known(module: ModuleType, name: str) -> bool:
    found = getattr(module, name, None)
    if getattr(found, _IS_OURS, False):
        return True
    if not inspect.isfunction(found):
        return False
    parameters = inspect.signature(found).parameters.values()
    needed = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    return needed == _REPLACED[module.__name__, name]


def _marked(function: Any) -> Any:
    def replacement(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    setattr(replacement, _IS_OURS, True)
    return replacement
