"""What documents would cost, found out without asking or paying anybody."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from ingest.app.providers.preflight import Preflight
from ingest.domain.chunk import Chunk
from ingest.domain.cutting import chunks_of
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentRejected
from ingest.domain.media_type import MediaType
from ingest.domain.pricing import token_cost
from ingest.ports import Splitter

_NO_DOCUMENT = UUID(int=0)
TOKENS_PER_PICTURE = 500
"""Guess for a page whose text only its provider will see: about 350 words."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """What things cost."""

    usd_per_million_tokens: Decimal
    """0 for an embedder that costs nothing."""
    credits_per_page: int
    usd_per_credit: Decimal


@dataclass(slots=True)
class Estimate:
    """Sums over documents."""

    tariff: Tariff
    documents: int = 0
    pages: int = 0
    chunks: int = 0
    tokens: int = 0
    provider_documents: int = 0
    """Parsed by the provider, each page for credits."""
    provider_pages: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Documents that will not be ingested, by error code."""

    @property
    def credits(self) -> int:
        """Of the parsing provider."""
        return self.provider_pages * self.tariff.credits_per_page

    @property
    def parse_usd(self) -> Decimal:
        """For parsing."""
        return self.credits * self.tariff.usd_per_credit

    @property
    def embed_usd(self) -> Decimal:
        """For embedding."""
        return token_cost(self.tokens, self.tariff.usd_per_million_tokens)

    @property
    def usd(self) -> Decimal:
        """For everything, if nothing of it was paid for before."""
        return self.parse_usd + self.embed_usd


class Estimator:
    """Looks at documents one by one."""

    def __init__(self, preflight: Preflight, splitter: Splitter, tariff: Tariff) -> None:
        """Begin at nothing."""
        self._preflight = preflight
        self._splitter = splitter
        self.estimate = Estimate(tariff)

    async def add(self, data: bytes, filename: str, media_type: MediaType) -> None:
        """Count one document; one that will be rejected costs nothing."""
        estimate = self.estimate
        try:
            seen = await self._preflight.check(data, filename, media_type)
            chunks = self._cut(seen.text, filename) if seen.text is not None else []
        except DocumentRejected as exc:
            estimate.rejected[exc.code] += 1
            return
        estimate.documents += 1
        estimate.pages += seen.pages
        if seen.reason:
            estimate.provider_documents += 1
            estimate.provider_pages += seen.pages
        if seen.text is None:
            estimate.chunks += seen.pages
            estimate.tokens += seen.pages * TOKENS_PER_PICTURE
        else:
            estimate.chunks += len(chunks)
            estimate.tokens += sum(chunk.token_count for chunk in chunks)

    def _cut(self, parsed: ParsedDocument, filename: str) -> list[Chunk]:
        return chunks_of(
            parsed,
            self._splitter.split(parsed),
            document_id=_NO_DOCUMENT,
            filename=filename,
            chunker=self._splitter.label,
            count=self._splitter.count,
            limit_tokens=self._splitter.limit_tokens,
            max_tokens=self._splitter.max_document_tokens,
        )
