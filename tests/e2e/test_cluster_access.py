"""Nobody works on a Ray that lets everybody in, and our own Ray lets nobody in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.ray_nodes import RayNodes, variables_set
from benchmarks.running_system import RunningSystem
from ingest.cluster.ray_access import asks_for_token
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
OPEN = {"RAY_AUTH_MODE": "disabled"}


def test_a_system_does_not_start_on_a_cluster_that_lets_everybody_in(
    tmp_path_factory: pytest.TempPathFactory, ledger: Ledger
) -> None:
    folder = Path(tmp_path_factory.mktemp("n"))
    nodes = RayNodes(folder / "r", {**OPEN, "PATH": "/usr/bin:/bin"})
    try:
        with variables_set(OPEN):
            nodes.start()
        assert not asks_for_token(nodes.address)
        ended = subprocess.run(
            [sys.executable, "-m", "ingest", "up"],
            env={
                "PATH": "/usr/bin:/bin",
                **OPEN,
                "INGEST_STATE_DIR": str(folder / "s"),
                "INGEST_RAY_ADDRESS": nodes.address,
                "INGEST_DATABASE_URL": ledger.url,
                "INGEST_BLOB_URL": (folder / "blobs").as_uri(),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        nodes.stop()

    assert ended.returncode == 2, ended.stderr
    assert "lets everybody in who reaches its ports, and it has 2 nodes" in ended.stderr
    assert "RAY_AUTH_MODE=token" in ended.stderr


def test_our_own_ray_refuses_whoever_has_no_token(shared_system: RunningSystem) -> None:
    offered = json.loads((shared_system.log.parent / "ray-shared.json").read_bytes())

    assert asks_for_token(offered["address"])
