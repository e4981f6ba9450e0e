"""Waking the stream's scheduler as soon as any task has output.

Ray Data 2.60 waits up to 100 ms for *all* running tasks before it looks again, and the endless
claim source never finishes; so each hop from stage to stage costs up to 100 ms. This replaces the
``ray`` that one private module sees by one whose ``wait`` returns on the first task. It is private
API: the version and every name is checked first, and without the patch all works, only slower.
"""

import time
from importlib import import_module
from typing import Any

import ray

SUPPORTED = "2.60."
GAP_SECONDS = 0.015
"""Least time between looks; shorter ones burn the driver's CPU under load and gain nothing."""
_MODULE = "ray.data._internal.execution.streaming_executor_state"


class _WakingRay:
    """The module ``ray``, but ``wait`` returns as soon as one task is ready."""

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._last = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(ray, name)

    def wait(
        self,
        waitables: list[Any],
        *,
        num_returns: int = 1,
        timeout: float | None = None,
        fetch_local: bool = True,
    ) -> tuple[list[Any], list[Any]]:
        del num_returns  # as many as there are is what the caller asks for
        rest = self._gap - (time.monotonic() - self._last)
        if rest > 0:
            time.sleep(rest)
        ready, pending = ray.wait(
            waitables, num_returns=1, timeout=timeout, fetch_local=fetch_local
        )
        if ready and pending:
            ready, pending = ray.wait(
                waitables, num_returns=len(waitables), timeout=0, fetch_local=fetch_local
            )
        self._last = time.monotonic()
        return ready, pending


def install(gap: float = GAP_SECONDS) -> bool:
    """Patch this process, if this is the Ray it was written for; returns whether it is."""
    if not ray.__version__.startswith(SUPPORTED):
        return False
    module = import_module(_MODULE)
    uses_wait = "wait" in getattr(module.process_completed_tasks, "__code__").co_names  # noqa: B009
    if getattr(module, "ray", None) is not ray or not uses_wait:
        return isinstance(getattr(module, "ray", None), _WakingRay)
    vars(module)["ray"] = _WakingRay(gap)
    return True
