"""cluster.yaml is what Ray's cluster launcher accepts."""

import json
from pathlib import Path

import jsonschema
import ray
import yaml

ROOT = Path(__file__).parents[2]


def test_cluster_file_fits_the_schema_of_the_cluster_launcher() -> None:
    schema = json.loads(
        Path(ray.__file__).with_name("autoscaler").joinpath("ray-schema.json").read_text()
    )
    cluster = yaml.safe_load((ROOT / "cluster.yaml").read_text(encoding="utf-8"))

    jsonschema.validate(cluster, schema)

    assert cluster["cluster_name"] == "ingest"


def test_every_node_is_started_with_the_same_authentication() -> None:
    cluster = yaml.safe_load((ROOT / "cluster.yaml").read_text(encoding="utf-8"))
    starts = [
        command
        for key in ("head_start_ray_commands", "worker_start_ray_commands")
        for command in cluster[key]
        if "ray start" in command
    ]

    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=" in command for command in starts)
