"""The local parser and embedder where a payer is named: they cost nothing, nobody is charged."""

from collections.abc import Awaitable, Callable, Sequence

from ingest.domain.document import ParsedDocument
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.media_type import MediaType
from ingest.domain.pricing import Payer
from ingest.ports import Embedder, Parser


class UnpaidParser:
    """The ParsesForPayer port over a parser that costs nothing."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser

    async def parse(
        self, data: bytes, *, filename: str, media_type: MediaType, payer: Payer
    ) -> ParsedDocument:
        """See the port."""
        return await self._parser.parse(data, filename=filename, media_type=media_type)


class UnpaidEmbedder:
    """The EmbedsForPayer port over an embedder that costs nothing."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def model(self) -> EmbeddingModel:
        """The vector space of everything this embedder returns."""
        return self._embedder.model

    def warm(self) -> None:
        """Load the model now rather than with the first texts."""
        self._embedder.warm()

    async def embed(
        self,
        texts: Sequence[str],
        *,
        payer: Payer,
        tokens: Sequence[int] | None = None,
        wanted: Callable[[], Awaitable[bool]] | None = None,
    ) -> Vectors:
        """See the port."""
        return await self._embedder.embed(texts)

    async def close(self) -> None:
        """Release what the embedder holds."""
        await self._embedder.close()
