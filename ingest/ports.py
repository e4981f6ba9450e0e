"""What the pipeline needs of the outside world; adapters implement these."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from ingest.domain.chunk import Passage
from ingest.domain.document import MediaType, ParsedDocument
from ingest.domain.embedding import EmbeddingModel, Vectors


class BlobStore(Protocol):
    """Bytes under keys; a key's bytes never change once written."""

    async def get(self, key: str) -> bytes:
        """Read a whole blob.

        Raises:
            NotFound: there is no such blob.
            StoreUnavailable: the storage did not answer, or refused.
        """
        ...

    async def put(self, key: str, data: bytes) -> None:
        """Write a blob at once; overwriting it with equal bytes is success.

        Raises:
            StoreUnavailable: the storage did not answer, or refused.
        """
        ...

    async def put_stream(self, key: str, parts: AsyncIterator[bytes]) -> None:
        """Write a blob as it arrives, holding a bounded number of bytes in memory.

        When ``parts`` raises, nothing remains under the key and the error goes on.

        Raises:
            StoreUnavailable: the storage did not answer, or refused.
        """
        ...

    async def rename(self, source: str, target: str) -> None:
        """Move a blob to another key, replacing what is there."""
        ...

    async def delete(self, key: str) -> None:
        """Remove a blob; a missing one is success."""
        ...

    async def exists(self, key: str) -> bool:
        """True when the blob is there; refusals and failures raise StoreUnavailable."""
        ...


class Parser(Protocol):
    """Bytes of a file in, text with landmarks out."""

    @property
    def label(self) -> str:
        """Name and version, e.g. ``local/1``; part of the index version."""
        ...

    async def parse(self, data: bytes, *, filename: str, media_type: MediaType) -> ParsedDocument:
        """Parse one document, within limits of time, memory, pages and output.

        Raises:
            DocumentRejected: a subclass says what is wrong with the document.
            ProviderUnavailable: a remote parser did not answer.
        """
        ...

    async def close(self) -> None:
        """Stop what the parser started."""
        ...


class Splitter(Protocol):
    """Cuts a parsed document into passages."""

    @property
    def label(self) -> str:
        """Name, version and settings, e.g. ``structure/1:512+64``; part of a chunk's id."""
        ...

    def split(self, parsed: ParsedDocument) -> list[Passage]:
        """Cut a text into passages, in order.

        Passages cover every character that is not white space at least once, overlap by at
        most the configured tokens, and hold at most the configured tokens each.
        """
        ...


class Embedder(Protocol):
    """Texts in, vectors of one model out."""

    @property
    def model(self) -> EmbeddingModel:
        """The vector space of everything this embedder returns."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts in order.

        Args:
            texts: 1 to 2048 non-empty strings, together within the batch's token budget.

        Returns:
            float32[len(texts), model.dimension], validated and L2-normalised.

        Raises:
            RateLimited: with retry_after when the provider said so.
            ProviderUnavailable: timeout, connection loss or server error. Safe to repeat.
            ProviderRefused: credentials, quota or request; repeating will not help.
            InvalidVector: the answer is not usable.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
