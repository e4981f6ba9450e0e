"""The local models, made from the settings; each has one entry.

Each function imports its own adapter only when it is called: only a process that uses a model may
load it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.domain.errors import ConfigurationError
from ingest.domain.local_models import LOCAL_MODELS, MINILM, WORDLLAMA, LocalModel
from ingest.ports import Embedder
from ingest.settings import Settings

if TYPE_CHECKING:
    from ingest.adapters.embedders.token_counter import TokenCounter


@dataclass(frozen=True, slots=True)
class LocalServices:
    """What a local model has."""

    make: Callable[[Settings], Embedder]
    """Loads nothing yet."""
    tokenizer_file: Callable[[], Path]
    """The model's own tokenizer, a ``tokenizer.json``. ConfigurationError: it is not installed."""
    missing: Callable[[], str | None] = lambda: None
    """Says which packages are not installed, and what to do; None when all are there."""


def _make_wordllama(settings: Settings) -> Embedder:
    from ingest.adapters.embedders.wordllama import WordllamaEmbedder

    return WordllamaEmbedder()


def _wordllama_tokenizer() -> Path:
    from ingest.adapters.embedders import wordllama

    return wordllama.tokenizer_file()


def _make_minilm(settings: Settings) -> Embedder:
    from ingest.adapters.embedders.minilm.embedder import MiniLMEmbedder

    return MiniLMEmbedder(_model_cache(settings))


def _minilm_tokenizer() -> Path:
    from ingest.adapters.embedders.minilm import package

    return package.tokenizer_file()


def _minilm_missing() -> str | None:
    from ingest.adapters.embedders.minilm import package

    return package.missing()


SERVICES = {
    WORDLLAMA.name: LocalServices(_make_wordllama, _wordllama_tokenizer),
    MINILM.name: LocalServices(_make_minilm, _minilm_tokenizer, _minilm_missing),
}


def local_model(settings: Settings) -> LocalModel:
    """The local model of the settings: that of INGEST_EMBEDDER=local and of the fallback."""
    return LOCAL_MODELS[settings.local_model]


def make_local_embedder(settings: Settings, local: LocalModel | None = None) -> Embedder:
    """An embedder of a local model, by default that of the settings; loads nothing yet."""
    return SERVICES[(local or local_model(settings)).name].make(settings)


def make_token_counter(local: LocalModel) -> "TokenCounter":
    """Counts what the model's ``max_text_tokens`` limits; loads the tokenizer alone.

    Raises:
        ConfigurationError: the tokenizer is not installed.
    """
    from ingest.adapters.embedders.token_counter import TokenCounter

    return TokenCounter(SERVICES[local.name].tokenizer_file())


def missing_packages(local: LocalModel) -> str | None:
    """Says what a local model needs that is not installed; None when all is there."""
    return SERVICES[local.name].missing()


def _model_cache(settings: Settings) -> Path:
    if settings.model_cache_dir is not None:
        return settings.model_cache_dir.resolve()
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as exc:
        raise ConfigurationError(
            "the login has no home folder for caches: set INGEST_MODEL_CACHE_DIR"
        ) from exc
    return caches / "ingest"
