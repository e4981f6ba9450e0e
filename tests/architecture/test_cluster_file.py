"""The cluster files are what Ray's cluster launcher accepts, and fit the pools."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml

from ingest.cluster.stream import resource

ROOT = Path(__file__).parents[2]
FILES = ("cluster.yaml", "cluster.aws.yaml")


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


@pytest.mark.parametrize("name", FILES)
def test_every_node_is_started_with_the_same_authentication(name: str) -> None:
    cluster = load(name)
    starts = [
        command
        for key in ("head_start_ray_commands", "worker_start_ray_commands")
        for command in cluster[key]
        if "ray start" in command
    ]

    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=" in command for command in starts)


def test_the_types_of_nodes_bear_what_the_pools_ask_for() -> None:
    types = load("cluster.aws.yaml")["available_node_types"]

    borne = {name for kind in types.values() for name in kind["resources"]}

    assert borne == {resource(stage) for stage in ("parse", "chunk", "embed")}
    assert all(kind["resources"].keys() <= borne for kind in types.values())
    on_head = types["head"]["resources"]
    assert borne == on_head.keys(), "a cluster without workers would never start a stream"
