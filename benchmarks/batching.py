"""Requests and money for many small documents: packed across documents, and one for each."""

import asyncio
import random
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from pydantic import SecretStr

from benchmarks.corpus import prose, write_markdown
from benchmarks.own_database import own_database
from benchmarks.queued import enqueue, set_free, wait_until_done
from benchmarks.report import Report, Results, run
from benchmarks.running_system import running_system
from benchmarks.simulator import Simulator, running_simulator
from ingest.app.providers.rate_limiter import LocalRateLimiter
from ingest.domain.identity import LOCAL_TENANT
from ingest.domain.job import Lane
from ingest.domain.pricing import Operation, Payer
from ingest.settings import Settings
from ingest.wiring.embedding import make_embedder
from ingest.wiring.providers import quotas
from ingest.wiring.storage import open_database

_KEY = "sk-batching"
_AT_ONCE = 16
_CHARS = 700
_LATENCY = 0.2
_CHUNKS = """
SELECT document_id, text FROM upload_pipeline.document_chunks
ORDER BY document_id, chunk_ord
"""
_SPENT = """
SELECT coalesce(sum(usd), 0)::float8 FROM upload_pipeline.provider_calls WHERE state = 'settled'
"""


def measure(quick: bool) -> Report:
    """Let the stream embed them; then once more with a request for each, as scripts do."""
    documents = 200 if quick else 1000
    options = ("--key", _KEY, "--tpm", "100000000", "--rpm", "100000", "--latency", str(_LATENCY))
    with (
        own_database() as (folder, url),
        running_simulator("openai", *options) as simulator,
    ):
        packed, seconds = _packed(folder, url, simulator, documents)
        packed_usd = _query(url, _SPENT)[0][0]
        simulator.reset()
        began = time.monotonic()
        asyncio.run(_per_document(url, simulator, _query(url, _CHUNKS)))
        alone_seconds, alone = time.monotonic() - began, simulator.stats()
        alone_usd = _query(url, _SPENT)[0][0] - packed_usd
    results: Results = {
        "requests_packed": packed["requests"],
        "requests_per_document": alone["requests"],
        "ratio_requests": alone["requests"] / packed["requests"],
        "tokens_per_request_packed": packed["tokens_billed"] / packed["requests"],
        "tokens_per_request_per_document": alone["tokens_billed"] / alone["requests"],
        "usd_packed": packed_usd,
        "usd_per_document": alone_usd,
        "seconds_packed_with_parsing": seconds,
        "seconds_per_document_embedding_alone": alone_seconds,
    }
    settings = {
        "documents": documents,
        "chars": _CHARS,
        "latency_seconds": _LATENCY,
        "requests_at_once": _AT_ONCE,
    }
    return Report("batching", settings, "one request per document (per_document)", results)


def _packed(
    folder: Path, url: str, simulator: Simulator, documents: int
) -> tuple[dict[str, float], float]:
    """What the provider counted, and seconds until all was searchable."""
    rng = random.Random(7)
    files = [
        (f"note-{number}.md", write_markdown(prose(rng, _CHARS))) for number in range(documents)
    ]
    with running_system(
        folder / "s",
        database_url=url,
        **simulator.openai_settings(_KEY, tokens_per_minute=100_000_000),
    ):
        enqueue(url, folder / "s" / "blobs", files)
        began = time.monotonic()
        set_free(url)
        wait_until_done(url)
        return simulator.stats(), time.monotonic() - began


async def _per_document(url: str, simulator: Simulator, chunks: list[tuple[UUID, str]]) -> None:
    settings = Settings(
        database_url=url,
        embedder="openai",
        openai_api_keys=SecretStr(_KEY),
        openai_base_url=f"{simulator.url}/v1",
        openai_requests_per_minute=100_000,
        openai_tokens_per_minute=100_000_000,
    )
    database = open_database(settings)
    embedder = make_embedder(settings, database, LocalRateLimiter(quotas(settings)))
    payer = Payer(LOCAL_TENANT, Lane.INTERACTIVE, Operation.EMBED)
    texts: dict[UUID, list[str]] = defaultdict(list)
    for document_id, text in chunks:
        texts[document_id].append(text)
    turnstile = asyncio.Semaphore(_AT_ONCE)

    async def one(document: list[str]) -> None:
        async with turnstile:
            await embedder.embed(document, payer=payer)

    await asyncio.gather(*map(one, texts.values()))
    await embedder.close()
    await database.close()


def _query(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


if __name__ == "__main__":
    run(measure, description=__doc__)
