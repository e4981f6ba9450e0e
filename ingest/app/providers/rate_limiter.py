"""The RateLimiter port within one process; in a cluster one actor runs it for everybody.

Whoever shares a quota must share a rate limiter: two that know nothing of each other exceed it.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ingest.domain.circuit_breaker import CircuitBreaker
from ingest.domain.errors import ProviderPaused, RateLimited, RequestTooLarge
from ingest.domain.job import Lane
from ingest.domain.provider import (
    KeyHealth,
    Outcome,
    Permit,
    PermitRequest,
    QuotaUnit,
    Report,
)
from ingest.domain.quota_queue import QuotaQueue
from ingest.domain.token_bucket import TokenBucket

LIMITED_SECONDS = 1.0
"""Pause after a 429 that names none."""
_IDLE_SECONDS = 60.0
"""Longest sleep before the next in order is looked at again; keys may have come meanwhile."""
_NO_QUOTA = timedelta(seconds=5)
"""Before a job asks again that got no quota within its patience."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one key."""

    requests_per_minute: float
    tokens_per_minute: float | None
    """None when the provider does not count tokens."""


@dataclass(slots=True)
class _Key:
    breaker: CircuitBreaker
    requests: TokenBucket
    tokens: TokenBucket | None
    last_success: float | None = None
    last_error: str | None = None

    def wait_for(self, request: PermitRequest, now: float, *, may_overtake: bool) -> float:
        waits = [self.breaker.wait(now)]
        for meter, amount in self._meters(request):
            urgent = request.lane is Lane.INTERACTIVE
            waits.append(meter.wait_for(amount, now, urgent=urgent, may_overtake=may_overtake))
        return max(waits)

    def take(
        self, permit: Permit, request: PermitRequest, now: float, *, may_overtake: bool
    ) -> None:
        self.breaker.enter(now)
        for meter, amount in self._meters(request):
            urgent = request.lane is Lane.INTERACTIVE
            meter.take(permit.permit_id, amount, now, urgent=urgent, may_overtake=may_overtake)

    def account(self, permit: Permit, report: Report, now: float) -> None:
        """Let both meters learn how a call ended."""
        limits, blamed = report.limits, self._blamed(report)
        shown = [(limits.requests, limits.requests_left), (limits.tokens, limits.tokens_left)]
        for (meter, amount), (limit, left) in zip(self._meters(permit), shown, strict=False):
            taken = amount
            match report.outcome:
                case Outcome.UNUSED:
                    meter.give_back(permit.permit_id, now)
                    continue
                case Outcome.LIMITED | Outcome.SLOW_DOWN:
                    meter.refused(permit.permit_id, now, by_this_limit=meter is blamed)
                    meter.pause(report.retry_after or LIMITED_SECONDS, now)
                    taken = 0.0
                case Outcome.ANSWERED:
                    meter.granted(permit.permit_id, now)
                case _:
                    meter.arrived(permit.permit_id, now)
            if report.outcome is Outcome.SLOW_DOWN:
                meter.slow(now)
            meter.believe(limit=limit, remaining=left, amount=taken, now=now)

    def _blamed(self, report: Report) -> TokenBucket | None:
        """The meter whose limit refused the call; the fuller one, if the provider named none."""
        if report.outcome is not Outcome.LIMITED:
            return None
        if self.tokens is None or report.refused_by is QuotaUnit.REQUESTS:
            return self.requests
        if report.refused_by is QuotaUnit.TOKENS:
            return self.tokens
        return max(self.requests, self.tokens, key=lambda meter: meter.used_share)

    def _meters(self, call: PermitRequest | Permit) -> list[tuple[TokenBucket, float]]:
        tokens = [] if self.tokens is None else [(self.tokens, float(call.tokens))]
        return [(self.requests, 1.0), *tokens]


@dataclass(eq=False, slots=True)
class _Waiter:
    request: PermitRequest
    granted: "asyncio.Future[Permit]"


@dataclass(slots=True)
class _Pool:
    """All keys of one provider and model, and who waits for one."""

    keys: dict[str, _Key] = field(default_factory=dict)
    queue: QuotaQueue[_Waiter] = field(default_factory=QuotaQueue)
    questions: QuotaQueue[_Waiter] = field(default_factory=QuotaQueue)
    """They go before the queue: a person waits for each, and each is small."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    pump: "asyncio.Task[None] | None" = None

    def queue_of(self, request: PermitRequest) -> QuotaQueue[_Waiter]:
        """Where a call waits."""
        return self.questions if request.is_question else self.queue

    def peek(self) -> _Waiter | None:
        """Who is next."""
        return self.questions.peek() or self.queue.peek()


class LocalRateLimiter:
    """Grants calls in a fair order, within quota, and none to a provider that fails."""

    def __init__(
        self, quotas: Mapping[str, Quota], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open the rate limiter; it starts as if the quota had just been used up.

        Args:
            quotas: Limits of each key, by provider.
            clock: Seconds that only grow.
        """
        self._quotas = quotas
        self._clock = clock
        self._pools: dict[tuple[str, str], _Pool] = {}
        self._numbers = itertools.count(time.time_ns())  # none is one of an earlier rate_limiter

    async def acquire(self, request: PermitRequest) -> Permit:
        """See the port; a key may not be used while its breaker is open."""
        pool = self._pools.setdefault((request.provider, request.model), _Pool())
        self._check(pool, request)
        waiter = _Waiter(request, asyncio.get_running_loop().create_future())
        queue = pool.queue_of(request)
        queue.push(waiter, lane=request.lane, tenant=request.tenant, cost=max(1, request.tokens))
        pool.changed.set()
        if pool.pump is None or pool.pump.done():
            pool.pump = asyncio.create_task(self._pump(pool))
        try:
            return await asyncio.wait_for(waiter.granted, request.patience)
        except TimeoutError:
            queue.discard(waiter)
            raise RateLimited(
                f"no quota of {request.provider} within {request.patience:g} seconds",
                retry_after=_NO_QUOTA,
            ) from None
        except asyncio.CancelledError:
            queue.discard(waiter)
            if waiter.granted.done() and not waiter.granted.cancelled():
                await self.release(waiter.granted.result(), Report(Outcome.UNUSED))
            raise

    async def release(self, permit: Permit, report: Report) -> None:
        """Say how a call ended that was let in; never suspends, so cancellation cannot stop it."""
        pool = self._pools.get((permit.provider, permit.model))
        key = pool.keys.get(permit.fingerprint) if pool else None
        if pool is None or key is None:
            return  # from before a restart
        now = self._clock()
        _judge(key, report, now)
        key.account(permit, report, now)
        pool.changed.set()

    async def health(self) -> list[KeyHealth]:
        """See the port."""
        now = self._clock()
        return [
            KeyHealth(
                provider=provider,
                model=model,
                fingerprint=fingerprint,
                breaker=key.breaker.state(now),
                waiting=len(pool.queue) + len(pool.questions),
                requests_left=key.requests.left(now),
                tokens_left=key.tokens.left(now) if key.tokens else None,
                last_success_seconds=None if key.last_success is None else now - key.last_success,
                last_error=key.last_error,
            )
            for (provider, model), pool in self._pools.items()
            for fingerprint, key in pool.keys.items()
        ]

    def _check(self, pool: _Pool, request: PermitRequest) -> None:
        now = self._clock()
        keys = [
            self._key(pool, request.provider, fingerprint) for fingerprint in request.fingerprints
        ]
        limit = max((key.tokens.limit for key in keys if key.tokens), default=None)
        if limit is not None and request.tokens > limit:
            raise RequestTooLarge(
                f"{request.tokens} tokens in one request, limit {limit:g} a minute "
                f"for {request.model}"
            )
        if not keys:
            raise ProviderPaused(
                f"there is no key for {request.provider}",
                retry_after=timedelta(seconds=_IDLE_SECONDS),
            )
        wait = min(key.breaker.wait(now) for key in keys)
        if wait > 0:
            raise ProviderPaused(
                f"{request.provider} is not called for {wait:.0f} seconds: "
                + ", ".join(sorted({key.last_error or "failed" for key in keys})),
                retry_after=timedelta(seconds=wait),
            )

    def _key(self, pool: _Pool, provider: str, fingerprint: str) -> _Key:
        if fingerprint not in pool.keys:
            quota, now = self._quotas[provider], self._clock()
            tokens = quota.tokens_per_minute
            pool.keys[fingerprint] = _Key(
                CircuitBreaker(),
                TokenBucket(quota.requests_per_minute, now),
                None if tokens is None else TokenBucket(tokens, now),
            )
        return pool.keys[fingerprint]

    async def _pump(self, pool: _Pool) -> None:
        """Grant what waits, in order, until nobody waits any more."""
        while (waiter := pool.peek()) is not None:
            pool.changed.clear()
            if waiter.granted.done():
                pool.queue_of(waiter.request).discard(waiter)
                continue
            try:
                self._check(pool, waiter.request)
            except (ProviderPaused, RequestTooLarge) as exc:
                pool.queue_of(waiter.request).discard(waiter)
                waiter.granted.set_exception(exc)
                continue
            wait = self._grant(pool, waiter)
            urgent = pool.questions.peek() or pool.queue.peek(Lane.INTERACTIVE)
            if wait > 0 and urgent is not None:
                wait = min(wait, self._grant(pool, urgent, may_overtake=True))
            if wait > 0:
                try:
                    await asyncio.wait_for(pool.changed.wait(), min(wait, _IDLE_SECONDS))
                except TimeoutError:
                    continue

    def _grant(self, pool: _Pool, waiter: _Waiter, *, may_overtake: bool = False) -> float:
        """Let one in with the key that is free first; or seconds until one is.

        It is the next one, or passes by that one, which waits for more than there is.
        """
        request, now = waiter.request, self._clock()
        waits = {
            name: pool.keys[name].wait_for(request, now, may_overtake=may_overtake)
            for name in request.fingerprints
        }
        name = min(waits, key=lambda fingerprint: waits[fingerprint])
        if waits[name] > 0:
            return waits[name]
        pool.queue_of(request).pop(request.lane)
        permit = Permit(next(self._numbers), request.provider, request.model, name, request.tokens)
        pool.keys[name].take(permit, request, now, may_overtake=may_overtake)
        waiter.granted.set_result(permit)
        return 0.0


def _judge(key: _Key, report: Report, now: float) -> None:
    """What the breaker learns."""
    outcome = report.outcome
    if outcome is Outcome.UNUSED:
        key.breaker.withdraw()
        return
    if outcome is Outcome.ANSWERED:
        key.last_success = now
    else:
        key.last_error = outcome
    if outcome in {Outcome.ANSWERED, Outcome.LIMITED, Outcome.SLOW_DOWN}:
        key.breaker.succeeded()  # it is there, and speaks to us
    elif outcome is Outcome.FAILED:
        key.breaker.failed(now)
    else:
        key.breaker.refused(now)
