"""Implements Embedder with all-MiniLM-L6-v2: a small transformer, in integers of one byte."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ingest.adapters.embedders.minilm import package
from ingest.adapters.embedders.minilm.model_file import ModelFile
from ingest.domain.embedding import EmbeddingModel, Vectors, validate_vectors
from ingest.domain.errors import ConfigurationError
from ingest.domain.local_models import MINILM

MODEL = MINILM.model
_FIRST, _LAST = "[CLS]", "[SEP]"
"""The word pieces that the model expects around a text."""
_loading = threading.Lock()
_loaded: dict[Path, "MiniLM"] = {}


class MiniLMEmbedder:
    """Embeds about ten chunks a second on one core; one thread works on each call."""

    def __init__(self, cache_folder: Path) -> None:
        """Load nothing yet.

        Args:
            cache_folder: Where the model's file is, or is made.
        """
        self._cache_folder = cache_folder

    @property
    def model(self) -> EmbeddingModel:
        """The vector space of everything this embedder returns."""
        return MODEL

    def warm(self) -> None:
        """Load the model now instead of with the first texts; about a second.

        Raises:
            ConfigurationError: a package is missing or damaged, or the folder cannot be used.
        """
        _model(self._cache_folder)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See the port; runs in a thread, and may raise what ``warm`` raises."""
        return await asyncio.to_thread(self._embed, list(texts))

    async def close(self) -> None:
        """Do nothing; there are no connections."""

    def _embed(self, texts: list[str]) -> Vectors:
        vectors = _model(self._cache_folder).embed(texts)
        return validate_vectors(vectors, count=len(texts), model=MODEL)


class MiniLM:
    """The model and its tokenizer; several threads may use them at once.

    Each text is read alone. A batch of padded texts takes a fifth more CPU time and three times the
    memory, and rounds all its texts with one scale, so that neighbours would change a vector.
    """

    def __init__(self, graph: bytes) -> None:
        """Load the model.

        Args:
            graph: An ONNX file that ``graph.build`` made.

        Raises:
            ConfigurationError: the tokenizer is not installed, or not the published one.
        """
        import onnxruntime

        from ingest.adapters.embedders.token_counter import TokenCounter

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = TokenCounter(package.tokenizer_file()).tokenizer
        self._first, self._last = map(self._tokenizer.token_to_id, (_FIRST, _LAST))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, not normalised; a text without a word piece gives zeros."""
        vectors = np.zeros((len(texts), MODEL.dimension), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            pieces = self._tokenizer.encode(text, add_special_tokens=False).ids
            for part in _parts(pieces):
                vector += len(part) * self._read(part)
        return vectors

    def _read(self, pieces: list[int]) -> Vectors:
        """The vector of at most 254 word pieces, of length one."""
        ids = np.array([self._first, *pieces, self._last], dtype=np.int64)
        mean: Vectors = self._session.run(None, {"ids": ids})[0][0]
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def _parts(pieces: list[int]) -> Iterator[list[int]]:
    """As few parts as the model can read, and of equal length: a short rest says little."""
    count = -(-len(pieces) // (MINILM.max_text_tokens or len(pieces)))
    for part in range(count):
        yield pieces[part * len(pieces) // count : (part + 1) * len(pieces) // count]


def _model(cache_folder: Path) -> MiniLM:
    """The model, loaded once for each process."""
    with _loading:
        if cache_folder not in _loaded:
            if absent := package.missing():
                raise ConfigurationError(absent)
            _loaded[cache_folder] = MiniLM(ModelFile(cache_folder).read())
    return _loaded[cache_folder]
