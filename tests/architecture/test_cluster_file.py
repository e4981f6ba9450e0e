"""The cluster files are what Ray's cluster launcher accepts, and fit the pools."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml

from ingest.cluster.stream import resource

ROOT = Path(__file__).parents[2]
FILES = ("cluster.yaml", "cluster.aws.yaml")
NAMED = (
    "min-worker",
    "max-worker",
    "node-manager",
    "object-manager",
    "dashboard-agent-grpc",
    "dashboard-agent-listen",
    "runtime-env-agent",
    "metrics-export",
)
"""Ports that Ray would choose at random."""


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("name", FILES)
def test_cluster_file_fits_the_schema_of_the_cluster_launcher(name: str) -> None:
    schema = json.loads(
        Path(ray.__file__).with_name("autoscaler").joinpath("ray-schema.json").read_text()
    )
    cluster = load(name)

    jsonschema.validate(cluster, schema)

    assert cluster["cluster_name"] == "ingest"


def starts_of(name: str) -> list[str]:
    """How the head and the workers start Ray."""
    cluster = load(name)
    commands = cluster["head_start_ray_commands"] + cluster["worker_start_ray_commands"]
    return [command for command in commands if "ray start" in command]


@pytest.mark.parametrize("name", FILES)
def test_every_node_asks_for_rays_token_and_gets_it_from_nobody_else(name: str) -> None:
    cluster = load(name)

    assert len(starts_of(name)) == 2
    assert all("RAY_AUTH_MODE=token " in command for command in starts_of(name))
    mounts = cluster["file_mounts"].items()
    assert ("~/.ray/auth_token", "~/.ray/auth_token") in mounts
    for kind in ("head_setup_commands", "worker_setup_commands"):
        assert any("chmod 600 ~/.ray/auth_token" in command for command in cluster[kind])


@pytest.mark.parametrize("name", FILES)
def test_every_port_has_a_number_that_the_file_names_for_the_firewall(name: str) -> None:
    comments = (ROOT / "cluster.yaml").read_text(encoding="utf-8").split("Every port has", 1)[1]
    named = {
        port
        for first, last in re.findall(r"\b(\d{5})(?:-(\d{5}))?\b", comments.split("head_start")[0])
        for port in range(int(first), int(last or first) + 1)
    }

    for command in starts_of(name):
        ports = dict(re.findall(r"--([a-z-]*port)=(\d+)", command))
        assert {f"{kind}-port" for kind in NAMED} <= ports.keys()
        assert {int(port) for kind, port in ports.items() if kind != "dashboard-port"} <= named
    assert "--dashboard-host=127.0.0.1" in starts_of(name)[0]


def test_the_types_of_nodes_bear_what_the_pools_ask_for() -> None:
    types = load("cluster.aws.yaml")["available_node_types"]

    borne = {name for kind in types.values() for name in kind["resources"]}

    assert borne == {resource(stage) for stage in ("parse", "chunk", "embed")}
    assert all(kind["resources"].keys() <= borne for kind in types.values())
    on_head = types["head"]["resources"]
    assert borne == on_head.keys(), "a cluster without workers would never start a stream"
