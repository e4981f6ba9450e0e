"""What processes load before they need it: each second of it is paid a dozen times at a start."""

import json
import subprocess
import sys

import grimp
import pytest

SDKS = {"aiohttp", "llama_cloud", "openai"}
MODELS = {"onnx", "onnxruntime", "tokenizers", "wordllama"}


def loaded_by(module: str) -> set[str]:
    """All modules that a new process has when it has imported one."""
    script = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    return set(json.loads(ended.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "ingest.cluster.actors",
        "ingest.cluster.rate_limiter_actor",
        "ingest.cluster.claim_source",
        "ingest.cluster.supervisor",
        "serve.app",
        "serve.ray_app",
    ],
)
def test_the_sdks_of_providers_are_loaded_by_who_calls_them(module: str) -> None:
    loaded = loaded_by(module)

    assert module in loaded
    assert SDKS.isdisjoint(loaded)


@pytest.mark.parametrize(
    "module",
    ["ingest.cli", "ingest.cli.app", "ingest.cli.commands.model", "ingest.wiring.embedding"],
)
def test_local_models_are_loaded_by_who_embeds(module: str) -> None:
    loaded = loaded_by(module)

    assert module in loaded
    assert MODELS.isdisjoint(loaded)


@pytest.mark.parametrize("module", ["ingest.system", "ingest.cluster.supervisor_actor"])
def test_ray_data_is_loaded_by_who_streams(module: str) -> None:
    loaded = loaded_by(module)

    assert module in loaded
    assert "ray.data" not in loaded


def test_the_api_is_loaded_by_who_serves_it() -> None:
    loaded = loaded_by("serve.ray_app")

    assert "serve.ray_app" in loaded
    assert "serve.app" not in loaded


def test_services_name_adapters_in_types_alone() -> None:
    imports = grimp.build_graph("ingest", exclude_type_checking_imports=True)

    chains = imports.find_shortest_chains(
        importer="ingest.app", imported="ingest.adapters", as_packages=True
    )

    assert not chains
