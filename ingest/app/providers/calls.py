"""Calls to providers: within quota, at a reserved price, each one in the ledger."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from uuid import UUID, uuid4

import structlog

from ingest.domain.errors import (
    IngestError,
    ProviderPaused,
    ProviderUnavailable,
    RateLimited,
    StoreUnavailable,
)
from ingest.domain.pricing import CallState, Charge, Payer, Purpose, Reservation
from ingest.domain.provider import CallFailed, Outcome, Permit, PermitRequest, ProviderKey, Report
from ingest.ports.providers import Ledger, RateLimiter

if TYPE_CHECKING:
    from ingest.adapters.auth.provider_keys import Keys


log = structlog.get_logger(module=__name__)
T = TypeVar("T")
TRIES = 3
"""Calls that may fail in a row for nobody's fault before the job's own attempt ends."""
LIMITED_TRIES = 30
"""Refusals for a limit, or of a key, in a row before the job's own attempt ends. Each pauses or
slows the pace of the whole cluster: after five halvings it is at its slowest, so that many mean
that somebody else uses up the quota, or that no key is good."""
PATIENCE_SECONDS = 120.0
"""Longest wait for quota; then the job goes back to the queue."""
RESERVED = timedelta(minutes=5)
"""Far longer than any call takes; then the caller must be dead."""
_PAUSES = (0.2, 1.0)
"""Seconds before the second and the third try, times 0.5 to 1.5."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a provider gave, charged, and said about itself."""

    content: T
    charge: Charge
    report: Report
    state: CallState = CallState.SETTLED
    """RESERVED when the charge is known only later, by another way."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a call is expected to use and to cost."""

    model: str
    units: int
    """Tokens, or credits."""
    usd: Decimal
    tokens: int = 0
    """What counts against the provider's limit of tokens."""


class Send(Protocol[T]):
    """Makes one call.

    Raises CallFailed when it does not give what was asked for.
    """

    def __call__(self, key: ProviderKey, call_id: UUID) -> Awaitable[Answer[T]]:
        """Call with this key; the id may be told to the provider."""
        ...


class ProviderCalls:
    """Makes the calls to one provider."""

    def __init__(
        self,
        provider: str,
        *,
        rate_limiter: RateLimiter,
        ledger: Ledger,
        keys: "Keys",
        reserved: timedelta = RESERVED,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Begin; ``reserved`` is how long a silent call keeps its reservation."""
        self._provider = provider
        self._rate_limiter = rate_limiter
        self.ledger = ledger
        self.keys = keys
        self._reserved = reserved
        self._sleep = sleep

    async def make(self, send: Send[T], quote: Quote, payer: Payer) -> T:
        """Make a call, again when the provider was busy or failed for a moment.

        Raises:
            ProviderPaused: the provider fails, or refuses every key.
            BudgetExhausted: a hard budget has no room; nothing was sent.
            PausedByOperator: an operator has paused the provider; nothing was sent.
            RateLimited: there was no quota for too long.
            ProviderRefused: what was sent is refused.
            ProviderUnavailable: it failed several times.
        """
        failures = limited = 0
        while True:
            try:
                return await self._once(send, quote, payer)
            except CallFailed as exc:
                failures += isinstance(exc.error, ProviderUnavailable)
                limited += isinstance(exc.error, RateLimited)
                if exc.report.outcome in {Outcome.CREDENTIALS, Outcome.BILLING}:
                    log.error(
                        "key refused",
                        provider=self._provider,
                        outcome=exc.report.outcome,
                        code=exc.charge.error_code,
                    )
                    # Once more with another key, or the rate limiter says that there is none.
                    limited += 1
                elif not isinstance(exc.error, ProviderUnavailable | RateLimited):
                    raise exc.error from exc
                if failures >= TRIES or limited >= LIMITED_TRIES:
                    raise exc.error from exc
            if failures:
                await self._sleep(_PAUSES[min(failures, len(_PAUSES)) - 1] * _jitter())

    async def _once(self, send: Send[T], quote: Quote, payer: Payer) -> T:
        keys = {key.fingerprint: key for key in self.keys.current()}
        permit = await self._rate_limiter.acquire(
            PermitRequest(
                provider=self._provider,
                model=quote.model,
                fingerprints=tuple(keys),
                tokens=quote.tokens,
                lane=payer.lane,
                tenant=str(payer.tenant_id),
                patience=PATIENCE_SECONDS,
                is_question=payer.purpose is Purpose.SEARCH,
            )
        )
        key = keys.get(permit.fingerprint)
        if key is None:
            await self._rate_limiter.release(permit, Report(Outcome.UNUSED))
            raise ProviderPaused(f"the key {permit.fingerprint} is gone")
        call_id = uuid4()
        report = Report(Outcome.UNUSED)
        try:
            await self.ledger.reserve(self._reservation(call_id, quote, payer, permit))
            answer = await self._send(send, key, call_id)
            report = answer.report
            await self._end(call_id, answer.state, answer.charge)
            return answer.content
        except CallFailed as exc:
            report = exc.report
            await self._end(call_id, exc.state, exc.charge)
            raise
        finally:
            await self._rate_limiter.release(permit, report)

    async def _send(self, send: Send[T], key: ProviderKey, call_id: UUID) -> Answer[T]:
        try:
            return await send(key, call_id)
        except asyncio.CancelledError:
            lost = Charge(error_code="cancelled")
            await asyncio.shield(self._end(call_id, CallState.UNKNOWN, lost))
            raise
        except (CallFailed, IngestError):
            raise
        except Exception as exc:
            log.exception("call failed unexpectedly", provider=self._provider)
            raise CallFailed(
                ProviderUnavailable(f"the call failed unexpectedly ({type(exc).__name__})"),
                Report(Outcome.FAILED),
                state=CallState.UNKNOWN,
                charge=Charge(error_code="unexpected"),
            ) from exc

    def _reservation(
        self, call_id: UUID, quote: Quote, payer: Payer, permit: Permit
    ) -> Reservation:
        return Reservation(
            call_id=call_id,
            payer=payer,
            provider=self._provider,
            model=quote.model,
            key_fingerprint=permit.fingerprint,
            units=quote.units,
            usd=quote.usd,
            lasts=self._reserved,
        )

    async def _end(self, call_id: UUID, state: CallState, charge: Charge) -> None:
        """Tell the ledger; when it cannot be reached, the reservation ends by itself."""
        if state is CallState.RESERVED:
            return
        try:
            await self.ledger.end(call_id, state, charge)
        except StoreUnavailable as exc:
            log.warning("call not settled", call_id=str(call_id), state=state, code=exc.code)


def _jitter() -> float:
    return 0.5 + random.random()  # noqa: S311
