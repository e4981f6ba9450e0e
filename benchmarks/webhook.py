"""Signed webhooks of LlamaParse at a fixed rate, against a request that asks nobody (open loop)."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import uuid4

import httpx

from benchmarks.own_database import own_database
from benchmarks.report import Report, Results, percentile, run
from benchmarks.running_system import running_system
from ingest.adapters.parsers.llamaparse.webhook import SIGNATURE
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.parse_store import ParseStore
from ingest.domain.identity import LOCAL_TENANT
from ingest.domain.remote_parse import ParseWish, SourceExtent
from ingest.wiring.providers import WEBHOOK_PATH

_RATE = 50
_WARM_UP = 50
_HOUR = timedelta(hours=1)
_SECRET = secrets.token_urlsafe(24)


def measure(quick: bool) -> Report:
    """Deliver each webhook three times, as a provider does that hears no answer."""
    parses = 100 if quick else 500
    with (
        own_database() as (folder, url),
        running_system(folder / "s", database_url=url, llamaparse_webhook_secret=_SECRET) as system,
    ):
        deliveries = asyncio.run(_begin(url, parses + _WARM_UP))
        found = asyncio.run(_load(system.url, deliveries))
    chosen = {"requests_per_s": _RATE, "parses": parses, "deliveries_of_each": 3}
    return Report("webhook", chosen, "GET /healthz at the same rate", found)


async def _begin(url: str, parses: int) -> list[tuple[str, bytes]]:
    """Parses that wait for news: the address and the body of each delivery."""
    database = Database(url)
    store, found = ParseStore(database), []
    for number in range(parses):
        token = secrets.token_urlsafe(24)
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        wish = ParseWish(LOCAL_TENANT, digest, "benchmark", SourceExtent(1, 0, 1))
        job, _ = await store.begin(wish, token=token, deadline=_HOUR, submission=_HOUR)
        await store.submitted(
            job.parse_job_id, uuid4(), "00000000", f"pjb-{number}", poll=_HOUR, grace=_HOUR
        )
        event = {"event_type": "parse.success", "data": {"job_id": f"pjb-{number}"}}
        found.append((f"{WEBHOOK_PATH}/{token}", json.dumps(event).encode()))
    await database.close()
    return found


async def _load(url: str, deliveries: Sequence[tuple[str, bytes]]) -> Results:
    errors = 0
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def deliver(number: int) -> None:
            nonlocal errors
            path, body = deliveries[number % len(deliveries)]
            signature = hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest()
            headers = {SIGNATURE: f"sha256={signature}"}
            answer = await client.post(path, content=body, headers=headers)
            errors += answer.status_code != 204

        async def ask(_: int) -> None:
            await client.get("/healthz")

        await _at_rate(deliver, _WARM_UP)
        baseline = await _at_rate(ask, len(deliveries))
        measured = await _at_rate(deliver, 3 * len(deliveries))
    p95, plain = percentile(measured, 0.95), percentile(baseline, 0.95)
    return {
        "webhook_p50_ms": percentile(measured, 0.5),
        "webhook_p95_ms": p95,
        "healthz_p95_ms": plain,
        "ratio_p95_to_healthz": p95 / plain,
        "errors": errors,
    }


async def _at_rate(send: Callable[[int], Awaitable[None]], count: int) -> list[float]:
    """Milliseconds from when each request was due to its answer."""
    began = time.monotonic()

    async def one(number: int) -> float:
        due = began + number / _RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await send(number)
        return 1000 * (time.monotonic() - due)

    return list(await asyncio.gather(*(one(number) for number in range(count))))


if __name__ == "__main__":
    run(measure, description=__doc__)
