"""The state of providers and budgets, for readiness, status and Prometheus."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ingest.adapters.postgres.providers.ledger_store import Budget, LedgerStore
from ingest.domain.circuit_breaker import BreakerState
from ingest.domain.errors import StoreUnavailable
from ingest.domain.provider import KeyHealth
from ingest.ports.providers import RateLimiter

FRESH_SECONDS = 2.0
_LABELS = ("provider", "model", "key")


class Providers(Collector):
    """Reads the rate limiter and the ledger; a reading is used for two seconds."""

    def __init__(self, rate_limiter: RateLimiter, ledger: LedgerStore) -> None:
        self._rate_limiter = rate_limiter
        self._ledger = ledger
        self._keys: Sequence[KeyHealth] = ()
        self._budgets: Sequence[Budget] | None = None
        self._fresh_until = 0.0
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> None:
        """Read both, unless the last reading is fresh."""
        async with self._refreshing:
            if time.monotonic() < self._fresh_until:
                return
            self._keys = await self._rate_limiter.health()
            try:
                self._budgets = await self._ledger.budgets()
            except StoreUnavailable:
                self._budgets = None
            self._fresh_until = time.monotonic() + FRESH_SECONDS

    def short_of_quota(self) -> list[str]:
        """Providers with calls that waited for quota at the last reading."""
        return sorted({key.provider for key in self._keys if key.waiting})

    def facts(self) -> dict[str, Any]:
        """The last reading for readiness; it names no tenant."""
        return {
            "providers": [_fact(key) for key in self._keys],
            "budgets": None if self._budgets is None else dict(_count(self._budgets)),
        }

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The last reading as metrics."""
        families = {
            "ingest_provider_breaker_open": "1 while the circuit breaker stops calls with this "
            "key.",
            "ingest_provider_waiting": "Calls that wait for quota of this provider and model.",
            "ingest_provider_requests_left": "Requests that are left in the present minute.",
            "ingest_provider_tokens_left": "Tokens that are left in the present minute.",
            "ingest_provider_last_success_seconds": "Seconds since the last answered call.",
        }
        gauges = {name: GaugeMetricFamily(name, text, labels=_LABELS)
                  for name, text in families.items()}  # fmt: skip
        for key in self._keys:
            values = (
                float(key.breaker is not BreakerState.CLOSED),
                float(key.waiting),
                key.requests_left,
                key.tokens_left,
                key.last_success_seconds,
            )
            for gauge, value in zip(gauges.values(), values, strict=True):
                if value is not None:
                    gauge.add_metric((key.provider, key.model, key.fingerprint), value)
        yield from gauges.values()
        budgets = GaugeMetricFamily(
            "ingest_budgets", "Budgets of the present day and month.", labels=("state",)
        )
        for state, count in _count(self._budgets or ()).items():
            budgets.add_metric((state,), count)
        yield budgets


def _fact(key: KeyHealth) -> dict[str, Any]:
    return {
        "provider": key.provider,
        "model": key.model,
        "key": key.fingerprint,
        "breaker": key.breaker.value,
        "waiting": key.waiting,
        "requests_left": round(key.requests_left),
        "tokens_left": None if key.tokens_left is None else round(key.tokens_left),
        "last_success_seconds": _rounded(key.last_success_seconds),
        "last_error": key.last_error,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _count(budgets: Sequence[Budget]) -> Counter[str]:
    counts = Counter({"set": len(budgets), "over_soft": 0, "exhausted": 0})
    for budget in budgets:
        counts["over_soft"] += budget.over_soft
        counts["exhausted"] += budget.exhausted
    return counts
