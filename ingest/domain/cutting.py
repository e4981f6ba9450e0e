"""Makes chunks of passages: finds where each one stands, and counts what will be embedded."""

import hashlib
from collections.abc import Callable, Sequence
from uuid import UUID

from ingest.domain import identity
from ingest.domain.chunk import Chunk, Landmarks, Passage
from ingest.domain.chunk_context import Contexts
from ingest.domain.document import ParsedDocument
from ingest.domain.embedded_text import SEPARATOR, joined, words_of
from ingest.domain.errors import TooManyTokens

Count = Callable[[Sequence[str]], list[int]]
"""Tokens of each text."""


class Counter:
    """Counts the tokens of contexts and words; a context stands before many passages."""

    def __init__(self, count: Count, limit_tokens: int) -> None:
        self._count = count
        self._limit = limit_tokens
        self._known: dict[str, int] = {}

    def fitted(self, context: str, words: str, words_tokens: int | None) -> tuple[str, int]:
        """Cut a context at its end until the embedder takes it; with the tokens of the whole text.

        Args:
            context: What is to stand before the words.
            words: What of the passage is embedded.
            words_tokens: How many tokens that are, if it is known.
        """
        tokens = self._count([words])[0] if words_tokens is None else words_tokens
        while context and self._before(context, words) + tokens > self._limit:
            context = context[: len(context) * 3 // 4].rstrip()
        return context, max(1, self._before(context, words) + tokens)

    def _before(self, context: str, words: str) -> int:
        before = f"{context}{SEPARATOR}" if context and words else context
        if before not in self._known:
            self._known[before] = self._count([before])[0]
        return self._known[before]


def chunks_of(
    parsed: ParsedDocument,
    passages: Sequence[Passage],
    *,
    document_id: UUID,
    filename: str,
    chunker: str,
    count: Count,
    limit_tokens: int,
    max_tokens: int,
) -> list[Chunk]:
    """The chunks of a document, in order.

    Args:
        parsed: The document.
        passages: What its splitter cut.
        document_id: Its id.
        filename: Its file name, whose words stand before each passage.
        chunker: The splitter's label.
        count: Counts tokens as the embedder does.
        limit_tokens: Most tokens of one text that the embedder takes.
        max_tokens: Most tokens of all chunks.

    Raises:
        TooManyTokens: the chunks have more.
    """
    landmarks, contexts = Landmarks(parsed), Contexts(parsed, filename)
    counter = Counter(count, limit_tokens)
    chunks = []
    for chunk_ord, passage in enumerate(passages):
        text = parsed.text[passage.char_start : passage.char_end]
        heading_path = landmarks.heading_path_at(passage.char_start)
        words = words_of(text)
        context, tokens = counter.fitted(
            contexts.of(passage.char_start, heading_path),
            words,
            passage.token_count if words == text else None,
        )
        sent = joined(context, words) or text
        # Passages may differ in what is not embedded, and are different chunks then.
        content = hashlib.sha256(f"{context}\0{text}".encode()).digest()
        chunks.append(
            Chunk(
                chunk_id=identity.chunk_id(document_id, chunker, chunk_ord, content),
                chunk_ord=chunk_ord,
                char_start=passage.char_start,
                char_end=passage.char_end,
                page=landmarks.page_at(passage.char_start),
                heading_path=heading_path,
                token_count=tokens,
                text=text,
                text_sha256=hashlib.sha256(sent.encode()).digest(),
                context=context,
                filename=filename,
            )
        )
    if (total := sum(chunk.token_count for chunk in chunks)) > max_tokens:
        raise TooManyTokens(
            f"the document has {total} tokens, limit {max_tokens} (INGEST_MAX_DOCUMENT_TOKENS)"
        )
    return chunks
