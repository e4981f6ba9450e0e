"""Handing provider batches over: full ones, and those that nothing was added to for a while."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from ingest.app.providers.calls import ProviderCalls, Quote
from ingest.app.providers.submit_once import SKEW, SubmissionSteps, SubmitOnce
from ingest.domain.batch_api import Page, ProviderBatch
from ingest.domain.errors import IngestError, LeaseLost, ProviderRefused, TransientError
from ingest.domain.job import Lane
from ingest.domain.pricing import (
    CallState,
    Charge,
    Operation,
    Payer,
    Price,
    batched,
    token_cost,
    unit_price,
)
from ingest.ports.providers import BatchService

if TYPE_CHECKING:
    from ingest.adapters.postgres.providers.provider_batch_store import ProviderBatchStore


log = structlog.get_logger(module=__name__)
SUBMISSION_TIME = timedelta(minutes=20)
"""Longest time to write and upload a file of 200 MB; then whoever did must be dead."""
_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """On which terms batches are submitted and asked for."""

    quiet: timedelta
    """A batch that took no text for this long is submitted."""
    poll: timedelta
    window: timedelta
    """In which the provider ends a batch, one way or another."""
    queue_tokens: int
    """Most tokens of a model that may be at the provider at a time."""


class BatchSubmitter:
    """Submits batches, one after the other."""

    def __init__(
        self,
        service: BatchService,
        calls: ProviderCalls,
        *,
        batches: "ProviderBatchStore",
        prices: Sequence[Price],
        terms: BatchTerms,
    ) -> None:
        """Begin; ``calls`` reserve money for as long as it takes to hand a batch over."""
        self._service = service
        self._calls = calls
        self._batches = batches
        self._prices = prices
        self._terms = terms

    async def submit(self) -> int:
        """Submit all that is due; returns how many batches.

        Raises:
            StoreUnavailable: the rest is done by the next time.
        """
        done = 0
        while (batch := await self._take()) is not None:
            done += await self._submit(batch)
        return done

    async def close(self) -> None:
        """Release connections."""
        await self._service.close()

    async def _take(self) -> ProviderBatch | None:
        return await self._batches.take(
            quiet=self._terms.quiet,
            submission=SUBMISSION_TIME,
            queue_tokens=self._terms.queue_tokens,
        )

    async def _submit(self, batch: ProviderBatch) -> bool:
        if not batch.texts and batch.call_id is None:  # its documents were deleted
            gone = LeaseLost("nobody wants it any more")
            await self._batches.collected(batch, gone, CallState.RELEASED, Charge())
            return False
        trial = SubmitOnce(
            SubmissionSteps(
                find=lambda key: self._service.find(
                    batch.batch_id, since=batch.closed_at - SKEW, key=key
                ),
                sending=lambda call_id, key: self._batches.sending(batch, call_id, key),
                submit=lambda key, call_id: self._service.submit(
                    batch, self._pages(batch), key=key, call_id=call_id
                ),
            ),
            self._calls,
            call_id=batch.call_id,
            fingerprint=batch.key_fingerprint,
        )
        try:
            payer = Payer(batch.tenant_id, Lane.BATCH, Operation.EMBED)
            done = await self._calls.make(trial.send, self._quote(batch), payer)
        except LeaseLost:
            return False  # whoever took it over goes on
        except (TransientError, ProviderRefused) as exc:
            await self._put_back(batch, exc, uncertain=trial.uncertain)
            return False
        await self._batches.submitted(
            batch,
            done.call_id,
            done.fingerprint,
            done.remote_id,
            poll=self._terms.poll,
            deadline=self._terms.window,
        )
        log.info(
            "provider batch submitted",
            batch_id=batch.batch_id,
            remote_id=done.remote_id,
            texts=batch.texts,
            tokens=batch.tokens,
        )
        return True

    def _pages(self, batch: ProviderBatch) -> AsyncIterator[Page]:
        return self._batches.texts(batch.batch_id)

    async def _put_back(self, batch: ProviderBatch, error: IngestError, *, uncertain: bool) -> None:
        asked = error.retry_after if isinstance(error, TransientError) else None
        delay = max(asked or _AGAIN, self._terms.poll)
        await self._batches.put_back(batch, error, delay=delay, uncertain=uncertain)
        log.warning(
            "provider batch not submitted",
            batch_id=batch.batch_id,
            code=error.code,
            again_seconds=delay.total_seconds(),
        )

    def _quote(self, batch: ProviderBatch) -> Quote:
        """Its tokens count against no limit of a minute."""
        model = batched(batch.model.name)
        price = unit_price(self._prices, self._service.provider, model, datetime.now(UTC).date())
        return Quote(model, batch.tokens, token_cost(batch.tokens, price))
