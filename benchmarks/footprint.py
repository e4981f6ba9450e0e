"""What the idle system costs: time from the command to the first document, and memory."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from benchmarks.memory import proportional_mb
from benchmarks.report import Report, Results, run
from benchmarks.running_system import RunningSystem, running_system

_BARE_RAY = """
import os, sys, ray
from ray import serve
ray.init(address="local", num_cpus=4, include_dashboard=False, object_store_memory=256 * 1024**2,
         log_to_driver=False, _node_ip_address="127.0.0.1", _temp_dir=sys.argv[1])
serve.start(http_options={"host": "127.0.0.1", "port": 0})
print("ready", flush=True)
sys.stdin.read()
"""


def measure(quick: bool) -> Report:
    """Start the embedded system afresh, several times."""
    rounds = 1 if quick else 3
    samples = [_one() for _ in range(rounds)]
    results: Results = {
        name: statistics.median(float(sample[name] or 0) for sample in samples)
        for name in samples[0]
    }
    results["bare_ray_pss_mb"] = _bare_ray()
    results["ratio_pss_to_bare_ray"] = float(results["pss_mb"] or 0) / float(
        results["bare_ray_pss_mb"] or 1
    )
    return Report("footprint", {"rounds": rounds}, "Ray with Serve, and nothing of ours", results)


def _one() -> Results:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        began = time.monotonic()
        with running_system(Path(folder)) as system:
            ready = system.started_in
            _ingest_one(system.url)
            first = time.monotonic() - began
            parts = _memory(system, Path(folder))
    return {"startup_s": first, "ready_s": ready, "pss_mb": sum(parts.values()), **parts}


def _ingest_one(url: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        answer = client.post(
            "/v1/documents", content=b"# First\n\nA word.", headers={"X-Filename": "first.md"}
        ).json()
        while client.get(f"/v1/jobs/{answer['job_id']}").json()["state"] != "done":
            time.sleep(0.02)


def _memory(system: RunningSystem, folder: Path) -> dict[str, float]:
    tree = system.tree()
    servers = [p for p in psutil.process_iter(["cmdline", "name"]) if _is_server(p, folder)]
    servers += [child for p in servers for child in p.children(recursive=True)]
    ours = proportional_mb([p for p in tree if _is_ours(p)])
    postgres = proportional_mb(servers)
    rest = proportional_mb([p for p in tree if not _is_ours(p) and p not in servers])
    return {"pss_ingest_mb": ours, "pss_ray_mb": rest, "pss_postgres_mb": postgres}


def _is_ours(process: psutil.Process) -> bool:
    names = (
        "MapWorker",
        "ReadClaim",
        "_Supervisor",
        "parsers.local.child",
        "ServeReplica",
        "ingest up",
    )
    try:
        line = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
    return any(name in line for name in names)


def _is_server(process: psutil.Process, folder: Path) -> bool:
    return process.info["name"] == "postgres" and str(folder) in " ".join(
        process.info["cmdline"] or []
    )


def _bare_ray() -> float:
    with tempfile.TemporaryDirectory(prefix="b-") as folder:
        process = subprocess.Popen(  # noqa: S603 - our own text
            [sys.executable, "-c", _BARE_RAY, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the process has no pipes")
        while "ready" not in (line := process.stdout.readline()):
            if not line:
                raise RuntimeError("a bare Ray did not start")
        root = psutil.Process(process.pid)
        used = proportional_mb([root, *root.children(recursive=True)])
        process.stdin.close()
        process.wait(60)
    return used


if __name__ == "__main__":
    run(measure, description=__doc__)
