"""The Embedder port on WordLlama: a small real model whose weights come with its package."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from ingest.domain.embedding import EmbeddingModel, Vectors, validate_vectors
from ingest.domain.money import Payer

MODEL = EmbeddingModel("wordllama-l2-supercat", "1", 256)
_loading = threading.Lock()
_loaded: list[Any] = []


class WordllamaEmbedder:
    """Static token embeddings, averaged; thousands of passages a second on one core."""

    paid = False

    @property
    def model(self) -> EmbeddingModel:
        """The vector space of everything this embedder returns."""
        return MODEL

    def warm(self) -> None:
        """Load the model now, about a second, rather than with the first texts."""
        _model()

    async def embed(
        self,
        texts: Sequence[str],
        *,
        payer: Payer | None = None,
        tokens: Sequence[int] | None = None,
        wanted: Callable[[], Awaitable[bool]] | None = None,
    ) -> Vectors:
        """Embed texts in order, in a thread.

        Raises:
            InvalidVector: a text has no token the model knows.
        """
        del payer, tokens, wanted  # it costs nothing
        return await asyncio.to_thread(_embed, list(texts))

    async def close(self) -> None:
        """There is nothing to release."""


def _embed(texts: list[str]) -> Vectors:
    return validate_vectors(_model().embed(texts), count=len(texts), model=MODEL)


def _model() -> Any:
    """The one model of this process."""
    with _loading:
        if not _loaded:
            import wordllama

            _loaded.append(
                wordllama.WordLlama.load(
                    cache_dir=Path(wordllama.__file__).parent, disable_download=True
                )
            )
    return _loaded[0]
