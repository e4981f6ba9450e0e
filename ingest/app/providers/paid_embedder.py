"""The EmbedsForPayer port over a provider that counts, limits and charges."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from ingest.app.providers.calls import Answer, ProviderCalls, Quote
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.errors import IngestError, LeaseLost, RequestTooLarge, StoreUnavailable
from ingest.domain.pricing import CallState, Charge, Payer, Price, token_cost, unit_price
from ingest.domain.provider import CallFailed, Outcome, ProviderKey, Report
from ingest.ports.providers import EmbeddingService


class PaidEmbedder:
    """Embeds by one call each time, within quota and budget."""

    def __init__(
        self, service: EmbeddingService, calls: ProviderCalls, *, prices: Sequence[Price]
    ) -> None:
        """Begin; the price of a call is that of its day.

        Raises:
            ConfigurationError: the model's price is not known.
        """
        self._service = service
        self._calls = calls
        self._prices = prices
        self._price()

    @property
    def model(self) -> EmbeddingModel:
        """The vector space of everything this embedder returns."""
        return self._service.model

    def warm(self) -> None:
        """Load the vocabulary now rather than with the first texts."""
        self._service.count(["warm"])

    async def embed(
        self,
        texts: Sequence[str],
        *,
        payer: Payer,
        tokens: Sequence[int] | None = None,
        wanted: Callable[[], Awaitable[bool]] | None = None,
    ) -> Vectors:
        """Embed texts in order; see the port."""
        counts = self._service.count(texts) if tokens is None else tokens
        for index, count in enumerate(counts):
            if count > self._service.max_text_tokens:
                raise RequestTooLarge(
                    f"a text has {count} tokens, limit {self._service.max_text_tokens}", index=index
                )
        price = self._price()

        async def send(key: ProviderKey, call_id: UUID) -> Answer[Vectors]:
            if wanted is not None:
                await _ensure(wanted)
            answer = await self._service.call(texts, key=key, call_id=call_id)
            units = sum(counts) if answer.charge.units is None else answer.charge.units
            charge = Charge(
                units=units,
                usd=token_cost(units, price),
                request_id=answer.charge.request_id,
            )
            return Answer(answer.vectors, charge, answer.report)

        total = sum(counts)
        quote = Quote(self.model.name, total, token_cost(total, price), tokens=total)
        return await self._calls.make(send, quote, payer)

    async def close(self) -> None:
        """Release connections."""
        await self._service.close()

    def _price(self) -> Decimal:
        today = datetime.now(UTC).date()
        return unit_price(self._prices, self._service.provider, self.model.name, today)


async def _ensure(wanted: Callable[[], Awaitable[bool]]) -> None:
    """Send nothing that nobody wants any more.

    Raises:
        CallFailed: with LeaseLost, or with what kept the question from being answered.
    """
    error: IngestError = LeaseLost("the texts were taken over while they waited for quota")
    try:
        if await wanted():
            return
    except StoreUnavailable as exc:
        error = exc
    unused, charge = Report(Outcome.UNUSED), Charge(error_code=error.code)
    raise CallFailed(error, unused, state=CallState.RELEASED, charge=charge)
