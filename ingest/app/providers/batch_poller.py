"""Provider batches that are over: their results kept, their money settled, their jobs woken."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from ingest.app.providers.submit_once import key_of
from ingest.domain.batch_api import ProviderBatch, RemoteBatch, RemoteBatchState
from ingest.domain.errors import IngestError, ProviderUnavailable
from ingest.domain.pricing import CallState, Charge, Price, batched, token_cost, unit_price
from ingest.domain.provider import CallFailed, ProviderKey
from ingest.ports.providers import BatchService

if TYPE_CHECKING:
    from ingest.adapters.auth.provider_keys import Keys
    from ingest.adapters.postgres.providers.provider_batch_store import ProviderBatchStore


log = structlog.get_logger(module=__name__)
_DUE = 20
"""Batches that are asked for by one look: a request each."""
_WAKE = 1_000
"""Jobs of one statement."""
_SWEEP = 5_000
"""Texts of one statement."""
_QUEUE_FULL = timedelta(minutes=5)
"""Before a batch is submitted again that found the provider's queue full."""


class BatchPoller:
    """Asks for batches at the provider, and takes in what they gave."""

    def __init__(
        self,
        service: BatchService,
        *,
        keys: "Keys",
        batches: "ProviderBatchStore",
        prices: Sequence[Price],
        poll: timedelta,
    ) -> None:
        """Begin; every batch is asked for every ``poll``."""
        self._service = service
        self._keys = keys
        self._batches = batches
        self._prices = prices
        self._poll = poll

    async def collect(self) -> int:
        """Poll the batches that are due; returns how many batches ended.

        Raises:
            StoreUnavailable: the rest is done by the next look.
        """
        ended = 0
        for batch in await self._batches.due(limit=_DUE, poll=self._poll):
            key = key_of(self._keys, batch.key_fingerprint)
            if key is None:
                log.error("no key for a provider batch", batch_id=batch.batch_id)
                continue
            try:
                ended += await self._look_at(batch, key)
            except CallFailed as exc:
                log.warning(
                    "provider batch not asked for", batch_id=batch.batch_id, code=exc.error.code
                )
        while await self._batches.wake(limit=_WAKE) == _WAKE:
            pass
        return ended

    async def sweep(self) -> int:
        """Remove what no job needs any more; returns how many texts.

        Raises:
            StoreUnavailable: the rest is removed by the next time.
        """
        swept = total = await self._batches.sweep(limit=_SWEEP)
        while swept == _SWEEP:
            swept = await self._batches.sweep(limit=_SWEEP)
            total += swept
        return total

    async def close(self) -> None:
        """Release connections."""
        await self._service.close()

    async def _look_at(self, batch: ProviderBatch, key: ProviderKey) -> bool:
        """End a batch that is over; true when it is."""
        remote = await self._service.poll(batch.remote_id or "", key=key)
        if remote.state is RemoteBatchState.RUNNING:
            if batch.overdue:
                await self._service.cancel(remote.remote_id, key=key)
            return False
        if remote.state is RemoteBatchState.QUEUE_FULL:
            full = ProviderUnavailable("the provider's queue of batches is full")
            await self._batches.again(batch, full, delay=max(_QUEUE_FULL, self._poll))
            log.info("provider batch put back", batch_id=batch.batch_id, code=remote.code)
            return False
        if not await self._take_in(batch, remote, key):
            return False
        await self._service.tidy(remote, key=key)
        return True

    async def _take_in(self, batch: ProviderBatch, remote: RemoteBatch, key: ProviderKey) -> bool:
        """Keep its results; false when some are missing that must come."""
        tokens = texts = lines = 0
        async for results in self._service.results(remote, batch.model, key=key):
            await self._batches.save(batch, results)
            lines += len(results)
            tokens += sum(result.tokens for result in results)
            texts += sum(result.vector is not None for result in results)
        if lines < remote.results and not batch.overdue:
            log.warning(
                "results of a provider batch are missing",
                batch_id=batch.batch_id,
                lines=lines,
                expected=remote.results,
            )
            return False
        state, error = CallState.SETTLED, _missing(remote)
        charge = self._charge(batch, remote, tokens, complete=texts == batch.texts)
        if remote.state is RemoteBatchState.REFUSED:
            state = CallState.RELEASED
        elif remote.state is RemoteBatchState.GONE:
            state, charge = CallState.UNKNOWN, Charge(error_code="gone")
        await self._batches.collected(batch, error, state, charge)
        log.info(
            "provider batch collected",
            batch_id=batch.batch_id,
            remote_id=remote.remote_id,
            outcome=remote.status,
            texts=texts,
            missing=batch.texts - texts,
            tokens=tokens,
        )
        return True

    def _charge(
        self, batch: ProviderBatch, remote: RemoteBatch, tokens: int, *, complete: bool
    ) -> Charge:
        model = batched(batch.model.name)
        price = unit_price(self._prices, self._service.provider, model, datetime.now(UTC).date())
        code = None if complete else remote.code or remote.status
        return Charge(
            units=tokens,
            usd=token_cost(tokens, price),
            request_id=remote.remote_id,
            error_code=code,
        )


def _missing(remote: RemoteBatch) -> IngestError:
    """What is said of texts without a result."""
    code = remote.code or remote.status
    return ProviderUnavailable(f"a provider batch ended without a result for the text ({code})")
