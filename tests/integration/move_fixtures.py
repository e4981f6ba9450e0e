"""An embedder that is watched, a database that is slow to commit, and what a search finds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.adapters.postgres.search.serving_store import ServingStore
from ingest.app.reembed.switch_model import ModelSwitcher
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.job import ClaimedJob
from ingest.domain.serving_space import Move
from tests import builders
from tests.builders import LARGE_MODEL, MODEL, some_chunks
from tests.fakes import FakeEmbedder

MINE, YOURS = UUID(int=1), UUID(int=2)
THERE = Move(MODEL, LARGE_MODEL)
BACK = Move(LARGE_MODEL, MODEL)
TEXTS = ("one buoy", "two buoys", "three buoys")


def an_embedder(model: EmbeddingModel = LARGE_MODEL) -> FakeEmbedder:
    """Of random vectors, other ones with each call."""
    return FakeEmbedder(
        model,
        vectors=lambda texts, embedded: builders.some_vectors(len(texts), model, seed=embedded),
        counted=True,
    )


class SlowToCommit(Database):
    """A database whose transactions commit only when they may."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.reached, self.goes_on = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with super().transaction() as connection:
            yield connection
            self.reached.set()
            await self.goes_on.wait()


async def found(database: Database, model: EmbeddingModel, tenant_id: UUID = MINE) -> list[str]:
    vector = builders.some_vectors(1, model)[0]
    hits = await SearchStore(database, model).search(vector, tenant_id, limit=100)
    return sorted(hit.text for hit in hits)


def a_mover(
    database: Database, embedder: FakeEmbedder, move: Move = THERE, *, items: int = 512
) -> ModelSwitcher:
    chunks = builders.chunk_store(database, move.target)
    return ModelSwitcher(ServingStore(database), chunks, embedder, move, items=items, tokens=8_000)


async def a_document(
    database: Database, *texts: str, tenant_id: UUID = MINE, name: str | None = None
) -> ClaimedJob:
    arrival = builders.an_arrival(tenant_id, external_id=name)
    job = await builders.a_claimed_job(database, arrival)
    await builders.publish(database, job, some_chunks(job, *(texts or TEXTS)))
    return job
