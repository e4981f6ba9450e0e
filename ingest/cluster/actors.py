"""The three pools: each actor wires one stage together and hands envelopes to it."""

import gc
import os
from collections.abc import AsyncIterator
from contextlib import suppress

import psutil
import pyarrow as pa
import ray

from ingest import logs, settings
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.app.pipeline.batch_vectors import BatchVectors, LocalVectors, PaidVectors
from ingest.app.pipeline.chunk import LEAST_ITEMS, ChunkStage, SpaceStores
from ingest.app.pipeline.embed import EmbedStage
from ingest.app.pipeline.messages import Batch
from ingest.app.pipeline.parse import ParseStage
from ingest.app.queue.end_attempt import FailedAttempts
from ingest.cluster.envelope import seal, unseal
from ingest.cluster.rate_limiter_actor import SharedRateLimiter
from ingest.cluster.ray_metrics import StageMetrics
from ingest.domain.batching import share_out
from ingest.domain.job import Lane
from ingest.ports import StoresChunks
from ingest.settings import Settings
from ingest.wiring import provider_batches, sources
from ingest.wiring.chunking import (
    batch_limits,
    make_chunk_store,
    make_chunk_stores,
    make_fallback_chunk_store,
    make_splitter,
)
from ingest.wiring.embedding import make_vectors
from ingest.wiring.local_embedders import make_local_embedder
from ingest.wiring.parsing import make_parsers
from ingest.wiring.pipeline import retry_policy
from ingest.wiring.providers import embedding_model, may_fall_back
from ingest.wiring.storage import open_blobs, open_database

CALLS = 4
"""Envelopes one actor works on at the same time."""
NICENESS = 10
"""What stages' processes add to the niceness they were started with."""
_EMPTY: list[object] = []


class _Repeats:
    """Tells which calls may repeat one that was cut short when the actor was killed.

    Ray runs such a call again on the restarted actor and drops as many of its first outputs as
    were delivered before. What those outputs held is not the same the second time, so a repeated
    call first yields empty envelopes, as many as it can have yielded, for Ray to drop.
    """

    def __init__(self) -> None:
        restarted = ray.get_runtime_context().was_current_actor_reconstructed
        self._left = 2 * CALLS if restarted else 0

    def next(self) -> bool:
        """Whether the call that begins now may be a repeated one."""
        self._left -= 1
        return self._left >= 0


def _begin() -> tuple[Settings, Database, StageMetrics, FailedAttempts]:
    _step_back()
    configured = settings.load()
    logs.configure(configured.log_level)
    database = open_database(configured)
    metrics = StageMetrics()
    policy = retry_policy(configured)
    failed_attempts = FailedAttempts(
        JobStore(database),
        policy,
        may_fall_back=may_fall_back(configured),
        count=metrics.failed,
    )
    return configured, database, metrics, failed_attempts


def _step_back() -> None:
    """Leave the CPU to the API and to what drives the stream, where there is not enough for all."""
    wanted = os.getpriority(os.PRIO_PROCESS, 0) + NICENESS
    done: set[int] = set()
    # A new thread has the niceness of its maker, which may not have had its turn: look again until
    # no thread is new.
    while new := {thread.id for thread in psutil.Process().threads()} - done:
        for thread in new:
            with suppress(ProcessLookupError):  # it ended
                os.setpriority(os.PRIO_PROCESS, thread, wanted)
        done |= new


def _settle_down() -> None:
    """Let the garbage collector leave alone what an actor keeps for ever."""
    gc.collect()
    gc.freeze()


class ParseActor:
    """Waves of jobs in; groups of parsed documents out, slow ones later."""

    def __init__(self) -> None:
        configured, database, metrics, failed_attempts = _begin()
        self._repeats = _Repeats()
        parsers = make_parsers(configured, database, SharedRateLimiter())
        self._local_parser = parsers.local
        self._stage = ParseStage(
            parsers.usual,
            open_blobs(configured),
            fallback_parser=parsers.fallback,
            fetcher=sources.make_fetcher(configured, database),
            texts=DocumentStore(database),
            failed_attempts=failed_attempts,
            lease=configured.lease,
            measures=metrics,
            at_once=configured.parse_processes + 2,
        )
        _settle_down()

    async def __call__(self, table: pa.Table) -> AsyncIterator[pa.Table]:
        """Parse one wave; one without jobs starts the parser and goes on."""
        wave = unseal(table)
        if not wave:
            await self._local_parser.start()
            yield seal(_EMPTY)
            return
        if self._repeats.next():
            for _ in wave:
                yield seal(_EMPTY)
        async for group in self._stage.run(wave):
            yield seal(group)


class ChunkActor:
    """Groups of parsed documents in; embedding batches out, several in an envelope if need be."""

    def __init__(self) -> None:
        configured, database, metrics, failed_attempts = _begin()
        self._repeats = _Repeats()
        limits = batch_limits(configured)
        self._ways = limits.ways
        self._stage = ChunkStage(
            make_splitter(configured),
            open_blobs(configured),
            SpaceStores(
                make_chunk_store(configured, database),
                make_fallback_chunk_store(configured, database),
                make_chunk_stores(configured, database),
            ),
            defer=provider_batches.make_deferrals(configured, database),
            failed_attempts=failed_attempts,
            lease=configured.lease,
            limits=limits,
            measures=metrics,
        )
        _settle_down()

    async def __call__(self, table: pa.Table) -> AsyncIterator[pa.Table]:
        """Cut one group; one without documents goes on."""
        group = unseal(table)
        if not group:
            yield seal(_EMPTY)
            return
        packed = await self._stage.run(group)
        if self._repeats.next():
            for _ in range(packed.most):
                yield seal(_EMPTY)
        sizes = [len(batch.chunks) for batch in packed.batches]
        for share in share_out(sizes, ways=self._ways, most=LEAST_ITEMS):
            yield seal(packed.batches[share.start : share.stop])


class EmbedActor:
    """Embedding batches in; published documents out, in the database."""

    def __init__(self) -> None:
        configured, database, metrics, failed_attempts = _begin()
        stores = make_chunk_stores(configured, database)
        vectors = make_vectors(configured, database, SharedRateLimiter(), stores)

        def stage(of: BatchVectors, store: StoresChunks) -> EmbedStage:
            return EmbedStage(
                of, store, failed_attempts=failed_attempts, lease=configured.lease, measures=metrics
            )

        self._stages = {label: stage(of, stores[label]) for label, of in vectors.items()}
        self._default = embedding_model(configured).label
        self._deferred = {
            label: stage(PaidVectors(by, stores[label]), stores[label])
            for label, by in provider_batches.make_batch_embedders(configured, database).items()
        }
        self._fallback = stage(
            LocalVectors(make_local_embedder(configured)),
            make_fallback_chunk_store(configured, database),
        )
        _settle_down()

    async def __call__(self, table: pa.Table) -> pa.Table:
        """Embed, store and publish batches; the row that is returned only says it is over."""
        for batch in unseal(table):
            await self._stage_of(batch).run(batch)
        return seal(_EMPTY)

    def _stage_of(self, batch: Batch) -> EmbedStage:
        key = batch.key
        if key.embeds_by_fallback:
            return self._fallback
        label = key.served_in or self._default
        deferred = self._deferred.get(label) if key.lane is Lane.BATCH else None
        return deferred or self._stages[label]
