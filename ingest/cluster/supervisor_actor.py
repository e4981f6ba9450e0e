"""The supervisors as actors, and what other processes do with them."""

import contextlib
import time
from typing import cast

import ray
from ray.actor import ActorHandle

from ingest.cluster.local_ray import NAMESPACE
from ingest.domain.job import Lane

_POLL_SECONDS = 0.05


class _SupervisorActor:
    """Loads the supervisor in its own process: Ray Data takes a second and 60 MB in each."""

    def __init__(self, lane: str) -> None:
        from ingest.cluster.supervisor import Supervisor

        self._supervisor = Supervisor(lane)

    def flows(self) -> bool:
        """Whether something went through all stages of the present stream."""
        return self._supervisor.flows()

    def drain(self, longest: float) -> bool:
        """Claim nothing more, finish what is held; True when nothing was left over in time."""
        return self._supervisor.drain(longest)


SupervisorActor = ray.remote(_SupervisorActor)


def actor_name(lane: Lane) -> str:
    """The name of a lane's supervisor in the cluster."""
    return f"supervisor-{lane}"


def start(lane: Lane, *, name: str | None = None) -> ActorHandle[_SupervisorActor]:
    """Start the supervisor of a lane, or find the one that runs; ``name`` makes another one."""
    handle = SupervisorActor.options(
        name=name or actor_name(lane),
        namespace=NAMESPACE,
        get_if_exists=True,
        max_restarts=-1,
        max_concurrency=4,
        num_cpus=0.01,
    ).remote(lane.value)
    return cast("ActorHandle[_SupervisorActor]", handle)


def wait_until_it_flows(supervisor: ActorHandle[_SupervisorActor], *, longest: float) -> bool:
    """Wait until something went through all stages; False when nothing did in this many seconds."""
    deadline = time.monotonic() + longest
    while time.monotonic() < deadline:
        with contextlib.suppress(ray.exceptions.RayError):  # Ray restarts a supervisor
            if ray.get(supervisor.flows.remote(), timeout=longest):
                return True
        time.sleep(_POLL_SECONDS)
    return False


def drain(supervisor: ActorHandle[_SupervisorActor], *, longest: float) -> None:
    """Let a stream finish what it holds, for at most this many seconds."""
    with contextlib.suppress(ray.exceptions.RayError):
        ray.get(supervisor.drain.remote(longest), timeout=longest + 10)
