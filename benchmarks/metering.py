"""What the shared limiter and the ledger cost: their share of a request that embeds a batch."""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from uuid import UUID, uuid4

from benchmarks.own_database import own_database
from benchmarks.quota import batch, cluster
from benchmarks.report import Report, Results, run
from benchmarks.simulator import running_simulator
from ingest import settings
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.app.providers.calls import ProviderCalls
from ingest.app.providers.paid_embedder import PaidEmbedder
from ingest.cluster.rate_limiter_actor import SharedRateLimiter
from ingest.domain.job import Lane
from ingest.domain.pricing import CallState, Charge, Operation, Payer, Reservation
from ingest.domain.provider import KeyHealth, Permit, PermitRequest
from ingest.domain.provider import Report as CallReport
from ingest.domain.provider_specs import OPENAI
from ingest.wiring.providers import embedding_model, make_embedding_service, prices, provider_keys
from ingest.wiring.storage import open_database

_KEY = "sk-metering"
_LATENCY = 0.2
_DOCUMENT_CHUNKS = 8
"""Of a usual document; costs are given for one."""
_PLENTY = 1e9
_WARM_UP = 10


class Timed:
    """RateLimiter and ledger with a stopwatch."""

    def __init__(self, rate_limiter: SharedRateLimiter, ledger: LedgerStore) -> None:
        self._rate_limiter = rate_limiter
        self._ledger = ledger
        self.seconds: dict[str, list[float]] = defaultdict(list)

    async def acquire(self, request: PermitRequest) -> Permit:
        """See ``ports.providers.RateLimiter``."""
        async with self._watch("lease"):
            return await self._rate_limiter.acquire(request)

    async def release(self, permit: Permit, report: CallReport) -> None:
        """See ``ports.providers.RateLimiter``."""
        async with self._watch("lease"):
            await self._rate_limiter.release(permit, report)

    async def health(self) -> list[KeyHealth]:
        """See ``ports.providers.RateLimiter``."""
        return await self._rate_limiter.health()

    async def reserve(self, reservation: Reservation) -> None:
        """See ``ports.providers.Ledger``."""
        async with self._watch("reservation"):
            await self._ledger.reserve(reservation)

    async def end(self, call_id: UUID, state: CallState, charge: Charge) -> None:
        """See ``ports.providers.Ledger``."""
        async with self._watch("reservation"):
            await self._ledger.end(call_id, state, charge)

    @asynccontextmanager
    async def _watch(self, what: str) -> AsyncIterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[what].append(time.perf_counter() - began)


def measure(quick: bool) -> Report:
    """Embed one batch after another, with quota and budget to spare."""
    requests = 40 if quick else 200
    with ExitStack() as stack:
        folder, url = stack.enter_context(own_database())
        options = ("--key", _KEY, "--tpm", str(_PLENTY), "--rpm", str(_PLENTY))
        simulator = stack.enter_context(
            running_simulator("openai", *options, "--latency", str(_LATENCY))
        )
        stack.enter_context(cluster(folder, url, key=_KEY, limit=_PLENTY, requests=_PLENTY))
        results = asyncio.run(_measure(f"{simulator.url}/v1", requests))
    chosen = {
        "requests": requests,
        "latency_seconds": _LATENCY,
        "chunks_per_document": _DOCUMENT_CHUNKS,
    }
    return Report("metering", chosen, "the whole embedding request", results)


async def _measure(url: str, requests: int) -> Results:
    configured = settings.load().model_copy(update={"openai_base_url": url})
    database = open_database(configured)
    timed = Timed(SharedRateLimiter(), LedgerStore(database))
    service = make_embedding_service(configured, embedding_model(configured))
    calls = ProviderCalls(
        service.provider,
        rate_limiter=timed,
        ledger=timed,
        keys=provider_keys(configured, OPENAI),
    )
    embedder = PaidEmbedder(service, calls, prices=prices(configured))
    payer = Payer(uuid4(), Lane.INTERACTIVE, Operation.EMBED)
    texts, tokens = batch()
    whole = []
    for number in range(_WARM_UP + requests):
        if number == _WARM_UP:
            timed.seconds.clear()
        began = time.perf_counter()
        await embedder.embed(texts, payer=payer, tokens=tokens)
        whole.append(time.perf_counter() - began)
    await embedder.close()
    await database.close()
    request = statistics.median(whole[_WARM_UP:])
    documents = len(texts) / _DOCUMENT_CHUNKS
    results: Results = {"request_ms": 1000 * request}
    for what, seconds in timed.seconds.items():
        both = statistics.median(map(sum, zip(seconds[::2], seconds[1::2], strict=True)))
        results[f"{what}_ms"] = 1000 * both
        results[f"{what}_ms_per_document"] = 1000 * both / documents
        results[f"{what}_share"] = both / request
    return results


if __name__ == "__main__":
    run(measure, description=__doc__)
