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
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

import ray

from ingest.cluster.low_latency import SUPPORTED

if TYPE_CHECKING:
    from ray.data._internal.execution.interfaces import ExecutionResources

_EXECUTOR = "ray.data._internal.execution.streaming_executor"
_POOL = "ray.data._internal.execution.operators.actor_pool_map_operator"
_STATS = "ray.data._internal.stats"


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


_REPLACED: dict[tuple[str, str], tuple[list[str], Callable[..., object]]] = {
    (_EXECUTOR, "create_cluster_autoscaler"): (
        ["topology", "resource_manager", "data_context"],
        lambda *_, **__: FixedNodes(),
    ),
    (_POOL, "get_or_create_actor_location_tracker"): ([], NoActor),
    (_POOL, "get_actor_locations"): (["logical_actor_ids"], lambda _: {}),
    (_STATS, "get_or_create_stats_actor"): ([], NoActor),
}
"""By module and name of each function: the parameters that it has to have, and its replacement."""


def install(*, keep_statistics: bool) -> bool:
    """Patch this process, if this is the Ray it was written for; returns whether it is.

    Args:
        keep_statistics: Leave the actor that collects figures for Ray's dashboard.
    """
    if not ray.__version__.startswith(SUPPORTED):
        return False
    if not all(
        _is_known(getattr(import_module(module), name, None), parameters)
        for (module, name), (parameters, _) in _REPLACED.items()
    ):
        return False
    for (module, name), (_, replacement) in _REPLACED.items():
        if module != _STATS or not keep_statistics:
            vars(import_module(module))[name] = replacement
    return True


def _is_known(found: object, parameters: list[str]) -> bool:
    if getattr(found, "__module__", None) == __name__:
        return True  # it was replaced before
    if not inspect.isfunction(found):
        return False
    has = inspect.signature(found).parameters.values()
    return [p.name for p in has if p.kind is p.POSITIONAL_OR_KEYWORD] == parameters
