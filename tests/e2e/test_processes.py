"""The processes of a running system: which there are, and where they listen."""

import ipaddress
import json

import psutil

from benchmarks.running_system import RunningSystem
from ingest.cluster.ray_access import asks_for_token

SERVES_REPLICAS = "ServeReplica"
"""Ray Serve opens one port of each replica on all addresses, and has no option for it."""


def listeners(process: psutil.Process) -> list[str]:
    connections = process.net_connections("inet")
    return [c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN]


def is_loopback(address: str) -> bool:
    found = ipaddress.ip_address(address)
    inner = getattr(found, "ipv4_mapped", None)
    return (inner or found).is_loopback


def test_a_ray_of_our_own_listens_on_this_machine_alone(shared_system: RunningSystem) -> None:
    found = {process.pid: listeners(process) for process in shared_system.tree()}
    replicas = {process.pid for process in shared_system.processes(SERVES_REPLICAS)}

    assert sum(map(len, found.values())) > 10, "the test looks at the wrong processes"
    outside = {
        pid: open_to_all
        for pid, addresses in found.items()
        if (open_to_all := [ip for ip in addresses if not is_loopback(ip)])
    }
    assert outside.keys() <= replicas
    assert all(len(addresses) == 1 for addresses in outside.values())


def test_a_ray_of_our_own_refuses_whoever_has_no_token(shared_system: RunningSystem) -> None:
    offered = json.loads((shared_system.log.parent / "ray-shared.json").read_bytes())

    assert asks_for_token(offered["address"])


def test_ray_datas_helper_actors_are_not_started(shared_system: RunningSystem) -> None:
    assert shared_system.processes("EmbedActor"), "the test does not see actors"
    for helper in ("_StatsActor", "_AutoscalingCoordinatorActor", "ActorLocationTracker"):
        assert shared_system.processes(helper) == []
