"""One of the actors of ``benchmarks.quota``, that share a quota or fail to."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import openai
import ray
from pydantic import SecretStr

from ingest import settings
from ingest.cluster.rate_limiter_actor import SharedRateLimiter
from ingest.domain.errors import IngestError
from ingest.domain.job import Lane
from ingest.domain.pricing import Operation, Payer
from ingest.wiring.embedding import make_embedder
from ingest.wiring.storage import open_database

MODEL = "text-embedding-3-small"
_SDK_RETRIES = 2
"""What the SDK does when it is not told otherwise."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker does against one provider."""

    way: str
    """shared, naive or none."""
    url: str
    key: str
    texts: tuple[str, ...]
    """Of one request."""
    tokens: tuple[int, ...]
    """Of each text."""
    limit: float
    """Tokens a minute."""
    at_once: int
    seconds: float


class OwnBucket:
    """A limiter as scripts have it: right for one process, and nobody told it of the others."""

    def __init__(self, per_minute: float) -> None:
        self._pace = per_minute / 60
        self._free_at = time.monotonic()

    async def take(self, amount: float) -> None:
        """Wait until so much may be sent."""
        now = time.monotonic()
        start = max(now, self._free_at)
        self._free_at = start + amount / self._pace
        await asyncio.sleep(start - now)


class _QuotaWorker:
    """Embeds the same batch again and again until the time is over."""

    async def ready(self) -> bool:
        """Answer once the process has started."""
        return True

    async def run(self, task: Task) -> dict[str, int]:
        """Send requests, several at once; how they ended."""
        ended: Counter[str] = Counter()
        until = time.monotonic() + task.seconds
        if task.way == "shared":
            await self._shared(task, until, ended)
        else:
            await self._alone(task, until, ended)
        return dict(ended)

    async def _shared(self, task: Task, until: float, ended: Counter[str]) -> None:
        configured = settings.load().model_copy(
            update={
                "openai_base_url": f"{task.url}/v1",
                "openai_api_keys": SecretStr(task.key),
            }
        )
        database = open_database(configured)
        embedder = make_embedder(configured, database, SharedRateLimiter())
        payer = Payer(uuid4(), Lane.INTERACTIVE, Operation.EMBED)

        async def again() -> None:
            while time.monotonic() < until:
                try:
                    async with asyncio.timeout_at(_loop_time(until)):
                        await embedder.embed(task.texts, payer=payer, tokens=task.tokens)
                    ended["answered"] += 1
                except TimeoutError:
                    ended["cut"] += 1
                except IngestError as exc:
                    ended[exc.code] += 1

        await asyncio.gather(*(again() for _ in range(task.at_once)))
        await embedder.close()
        await database.close()

    async def _alone(self, task: Task, until: float, ended: Counter[str]) -> None:
        client = openai.AsyncOpenAI(
            api_key=task.key, base_url=f"{task.url}/v1", max_retries=_SDK_RETRIES
        )
        bucket = OwnBucket(task.limit) if task.way == "naive" else None

        async def again() -> None:
            while time.monotonic() < until:
                try:
                    async with asyncio.timeout_at(_loop_time(until)):
                        if bucket is not None:
                            await bucket.take(sum(task.tokens))
                        await client.embeddings.create(model=MODEL, input=list(task.texts))
                    ended["answered"] += 1
                except TimeoutError:
                    ended["cut"] += 1
                except openai.OpenAIError as exc:
                    ended[type(exc).__name__] += 1

        await asyncio.gather(*(again() for _ in range(task.at_once)))
        await client.close()


QuotaWorker: Any = ray.remote(num_cpus=0.01)(_QuotaWorker)


def _loop_time(moment: float) -> float:
    """A moment of the monotonic clock on the running loop's."""
    return asyncio.get_running_loop().time() + moment - time.monotonic()
