"""Implements Splitter: cuts passages of an exact token count at the structure of the text."""

import re
from collections.abc import Iterator, Sequence

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from ingest.adapters.splitters.code import CodeCutter
from ingest.adapters.splitters.edges import Edges
from ingest.adapters.splitters.labels import structure_label
from ingest.adapters.splitters.ruler import Ruler
from ingest.adapters.splitters.vocabularies import Cl100k, Library, Vocabulary
from ingest.domain.chunk import Passage
from ingest.domain.document import ParsedDocument
from ingest.domain.wordless import is_empty_table, wordless

_WINDOW_CHARS = 100_000
"""Most characters given to the library at once, because its time grows faster than the text."""
_HALF_GAP = 128
_WIDE_GAP = re.compile(r"\s{256,}")
"""Long white space, which separates windows: the library needs quadratic time for it."""
_RULER_IS_OFF = 8
"""Tokens by which a part may differ from itself inside its text: one at each end, or its bytes."""
_BREAKS = ("\n\n", "\n", " ")


class StructureSplitter:
    """Cuts at headings and paragraphs where it can, at sentences and words where it must."""

    def __init__(
        self,
        *,
        max_tokens: int,
        overlap_tokens: int,
        limit_tokens: int = 8191,
        max_document_tokens: int = 15_000_000,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        """Prepare the splitter.

        Args:
            max_tokens: Most tokens of a passage.
            overlap_tokens: Most tokens that a passage shares with the previous one.
            limit_tokens: Most tokens that the embedder takes of a passage and its context.
            max_document_tokens: Most tokens of all chunks of a document.
            vocabulary: Counts tokens; cl100k_base without one.
        """
        self._vocabulary = vocabulary or Cl100k()
        self._max_tokens = max_tokens
        self._limit_tokens = limit_tokens
        self._max_document_tokens = max_document_tokens
        self._overlap_tokens = overlap_tokens
        self._label = structure_label(
            max_tokens=max_tokens,
            overlap_tokens=overlap_tokens,
            vocabulary=self._vocabulary.name,
        )
        self._plain, self._markdown = (
            self._vocabulary.library(kind, max_tokens, overlap_tokens)
            for kind in (TextSplitter, MarkdownSplitter)
        )

    @property
    def label(self) -> str:
        """Name, version and settings; part of a chunk's id."""
        return self._label

    @property
    def limit_tokens(self) -> int:
        """See the port."""
        return self._limit_tokens

    @property
    def max_document_tokens(self) -> int:
        """See the port."""
        return self._max_document_tokens

    def count(self, texts: Sequence[str]) -> list[int]:
        """See the port."""
        return self._vocabulary.count(texts)

    def split(self, parsed: ParsedDocument) -> list[Passage]:
        """See the port."""
        passages: list[Passage] = []
        for start, window in _windows(parsed.text):
            passages += self._split_window(parsed.text, start, window, bool(parsed.headings))
        passages = CodeCutter(parsed, self._vocabulary, self._max_tokens).cut_again(passages)
        edges = Edges(parsed, lambda text: self.count([text])[0], self._max_tokens)
        passages = edges.moved(passages)
        if "|" in parsed.text:
            return [
                p for p in passages if not is_empty_table(parsed.text[p.char_start : p.char_end])
            ]
        return passages

    def _split_window(
        self, text: str, start: int, window: str, has_headings: bool
    ) -> list[Passage]:
        """Cut one window; the library counts again by itself where the ruler is not exact enough.

        A passage alone may have one token more at each end than the same part inside its text.
        """
        kind = MarkdownSplitter if has_headings else TextSplitter
        ruler = Ruler(window, self._vocabulary)
        measured = kind.from_callback(ruler.count, self._max_tokens, overlap=self._overlap_tokens)
        spans = _spans(measured, window, start)
        counts = [
            self._sure(ruler.between(left - start, right - start), text[left:right])
            for left, right in spans
        ]
        if any(count is not None and count > self._max_tokens for count in counts):
            spans = _spans(self._markdown if has_headings else self._plain, window, start)
            counts = list(self.count([text[left:right] for left, right in spans]))
        passages: list[Passage] = []
        for (left, right), count in zip(spans, counts, strict=True):
            if count is None or count <= self._max_tokens:
                passages.append(Passage(left, right, count))
            else:
                passages += self._halve(text, left, right)
        return passages

    def _sure(self, measured: int, piece: str) -> int | None:
        """Tokens of a passage; None where there are surely not too many: counting takes long."""
        is_off = 2 if piece.isascii() else _RULER_IS_OFF
        if measured <= self._max_tokens - is_off:
            return None
        return self.count([piece])[0]

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
            (count,) = self.count([text[left:right]])
            if count <= self._max_tokens:
                yield Passage(left, right, count)
            else:
                yield from self._halve(text, left, right)


def _spans(splitter: Library, window: str, start: int) -> list[tuple[int, int]]:
    return [
        (start + offset, start + offset + len(piece))
        for offset, piece in splitter.chunk_indices(window)
        if piece.strip()
    ]


def _windows(text: str) -> Iterator[tuple[int, str]]:
    """Windows of a text with their offsets; between them are no words."""
    start = 0
    for left, right in wordless(text):
        yield from _between_gaps(text, start, left)
        start = right
    yield from _between_gaps(text, start, len(text))


def _between_gaps(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    if _may_have_gap(text, start, end):
        for gap in _WIDE_GAP.finditer(text, start, end):
            yield from _bounded(text, start, gap.start())
            start = gap.end()
    yield from _bounded(text, start, end)


def _may_have_gap(text: str, start: int, end: int) -> bool:
    """Whether there may be a wide gap, which would fill one of these parts; faster than to look."""
    return any(text[at : at + _HALF_GAP].isspace() for at in range(start, end, _HALF_GAP))


def _bounded(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    while end - start > _WINDOW_CHARS:
        limit = start + _WINDOW_CHARS
        breaks = (text.rfind(mark, start + _WINDOW_CHARS // 2, limit) for mark in _BREAKS)
        at = next((place for place in breaks if place > start), limit)
        yield start, text[start:at]
        start = at
    if start < end:
        yield start, text[start:end]
