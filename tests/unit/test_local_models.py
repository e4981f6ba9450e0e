"""The local models: which one serves for which settings, and what the splitter may ask of each."""

from pathlib import Path
from typing import Any

import pytest

from ingest.cli.estimates.capacity_plan import costs_of
from ingest.domain.capacity import Work
from ingest.domain.local_models import LOCAL_MODELS, MINILM, WORDLLAMA, LocalModel, local_model_of
from ingest.domain.provider_specs import OPENAI
from ingest.settings import Settings
from ingest.wiring.chunking import batch_limits
from ingest.wiring.local_embedders import (
    make_local_embedder,
    make_token_counter,
    missing_packages,
)
from ingest.wiring.providers import embedding_models, local_models

SMALL = OPENAI.models["text-embedding-3-small"].label
LLAMA, MINI = WORDLLAMA.model.label, MINILM.model.label
TEXT = "Unbelievably, the embeddings agree."
KEY: dict[str, Any] = {"openai_api_keys": "sk-of-the-test"}


@pytest.mark.parametrize(
    ("chosen", "spaces", "models"),
    [
        ({}, [LLAMA], [WORDLLAMA]),
        ({"local_model": "minilm"}, [MINI], [MINILM]),
        ({"next_model": "minilm"}, [LLAMA, MINI], [WORDLLAMA, MINILM]),
        ({"local_model": "minilm", "next_model": "wordllama"}, [MINI, LLAMA], [MINILM, WORDLLAMA]),
        ({"embedder": "openai", "next_model": "local", **KEY}, [SMALL, LLAMA], [WORDLLAMA]),
        (
            {"embedder": "openai", "next_model": "local", "local_model": "minilm", **KEY},
            [SMALL, MINI],
            [MINILM],
        ),
        ({"embedder": "openai", "local_model": "minilm", **KEY}, [SMALL], []),
        (
            {"embedder": "openai", "local_model": "minilm", "fallback": "degrade", **KEY},
            [SMALL],
            [MINILM],
        ),
    ],
)
def test_the_settings_say_which_spaces_serve_and_which_models_are_loaded(
    chosen: dict[str, Any], spaces: list[str], models: list[object]
) -> None:
    settings = Settings(**chosen)

    assert list(embedding_models(settings)) == spaces
    assert local_models(settings) == models


@pytest.mark.parametrize("local", LOCAL_MODELS.values(), ids=LOCAL_MODELS)
async def test_each_model_embeds_in_its_own_space(local: LocalModel, tmp_path: Path) -> None:
    embedder = make_local_embedder(Settings(model_cache_dir=tmp_path), local)

    [vector] = await embedder.embed(["words"])

    assert embedder.model == local.model
    assert local_model_of(local.model) == local
    assert len(vector) == local.model.dimension
    assert missing_packages(local) is None


@pytest.mark.parametrize(("name", "tokens"), [("wordllama", 11), ("minilm", 13)])
def test_each_model_counts_tokens_by_its_own_rules(name: str, tokens: int) -> None:
    counter = make_token_counter(LOCAL_MODELS[name])

    empty, one, many = counter.count(["", TEXT, "\n".join([TEXT] * 200)])

    assert (empty, one) == (0, tokens)
    assert many >= 200 * tokens, "a long text is not cut, and a short one is not padded"


def test_a_batch_of_the_slow_model_is_small() -> None:
    assert batch_limits(Settings()).tokens == 300_000
    assert batch_limits(Settings(local_model="minilm")).tokens == 16_384
    assert batch_limits(Settings(next_model="minilm")).tokens == 16_384


def test_a_plan_counts_the_cpu_time_of_the_model() -> None:
    fast, slow = (
        costs_of(None, Settings(local_model=name))[Work.EMBED].per_chunk for name in LOCAL_MODELS
    )

    assert slow > 50 * fast


def test_the_file_of_the_model_is_in_the_folder_of_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    make_local_embedder(Settings(local_model="minilm")).warm()

    assert [path.suffix for path in sorted((tmp_path / "ingest").iterdir())] == [".lock", ".onnx"]
