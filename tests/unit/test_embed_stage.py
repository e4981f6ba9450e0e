"""Embedding a batch: one call for many documents, one bad document alone, nothing raised."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from unit.stage_parts import LEASE, Ends, a_job, ids

from ingest.domain.attempt import DocumentChunks, StoredBatch, Target
from ingest.domain.chunk import Chunk
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.errors import (
    IngestError,
    InvalidVector,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    StoreUnavailable,
    Unexpected,
)
from ingest.domain.job import JobState
from ingest.stages import embed
from ingest.stages.embed import Batch, EmbedStage

MODEL = EmbeddingModel("m", "1", 2)
Refuse = Callable[[Sequence[str]], Exception | None]


def a_chunk(text: str) -> Chunk:
    return Chunk(
        chunk_id=uuid4(),
        chunk_ord=0,
        char_start=0,
        char_end=len(text),
        page=None,
        heading_path=(),
        token_count=1,
        text=text,
        text_sha256=hashlib.sha256(text.encode()).digest(),
    )


def a_batch(*documents: Sequence[str]) -> Batch:
    """One document for each sequence of texts."""
    jobs = tuple(a_job() for _ in documents)
    return Batch(
        jobs,
        tuple(
            DocumentChunks(Target.of(job), tuple(a_chunk(text) for text in texts))
            for job, texts in zip(jobs, documents, strict=True)
        ),
    )


class Embedder:
    """Vectors of a text's length and number in its call."""

    model = MODEL

    def __init__(self, refuse: Refuse = lambda _: None) -> None:
        self.calls: list[list[str]] = []
        self._refuse = refuse

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        if error := self._refuse(texts):
            raise error
        return np.array([[len(text), n] for n, text in enumerate(texts)], dtype=np.float32)

    async def close(self) -> None:
        """There is nothing to release."""


class Chunks:
    """A StoresChunks that publishes whatever it is given."""

    def __init__(self, refuse: Callable[[Sequence[str]], Exception | None] = lambda _: None):
        self.rows: list[tuple[UUID, str, list[float]]] = []
        self.shapes: list[tuple[int, ...]] = []
        self.tries = 0
        self.stale: set[UUID] = set()
        self._refuse = refuse

    async def plan(
        self, documents: Sequence[DocumentChunks], *, lease: timedelta
    ) -> tuple[list[DocumentChunks], frozenset[UUID]]:
        raise NotImplementedError

    async def store(
        self, documents: Sequence[DocumentChunks], vectors: Vectors, *, lease: timedelta
    ) -> StoredBatch:
        assert lease == LEASE
        self.tries += 1
        if error := self._refuse([c.text for d in documents for c in d.chunks]):
            raise error
        self.shapes.append(vectors.shape)
        places = [(d.target.lease.job_id, c.text) for d in documents for c in d.chunks]
        for (job_id, text), vector in zip(places, vectors, strict=True):
            self.rows.append((job_id, text, vector.tolist()))
        found = {d.target.lease.job_id for d in documents}
        return StoredBatch(frozenset(found - self.stale), frozenset(found & self.stale))


class Setting:
    """A stage with its ports."""

    def __init__(
        self, *, embedding: Refuse = lambda _: None, storing: Refuse = lambda _: None
    ) -> None:
        self.embedder = Embedder(embedding)
        self.chunks = Chunks(storing)
        self.ends = Ends()

    async def run(self, batch: Batch) -> StoredBatch:
        stage = EmbedStage(self.embedder, self.chunks, settler=self.ends.settler(), lease=LEASE)
        return await stage.run(batch)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "STORE_PAUSES", (0.0, 0.0, 0.0))


async def test_many_documents_are_embedded_by_one_call_and_keep_their_own_vectors() -> None:
    setting = Setting()
    batch = a_batch(["a", "bb"], ["ccc"])
    first, second = (job.lease.job_id for job in batch.jobs)

    stored = await setting.run(batch)

    assert setting.embedder.calls == [["a", "bb", "ccc"]]
    assert setting.chunks.rows == [
        (first, "a", [1.0, 0.0]),
        (first, "bb", [2.0, 1.0]),
        (second, "ccc", [3.0, 2.0]),
    ]
    assert stored == StoredBatch(frozenset({first, second}), frozenset())


async def test_documents_without_new_chunks_are_published_and_nothing_is_embedded() -> None:
    setting = Setting()
    batch = a_batch([], [])

    stored = await setting.run(batch)

    assert setting.embedder.calls == []
    assert setting.chunks.shapes == [(0, MODEL.dimension)]
    assert stored.published == ids(batch.jobs)


@pytest.mark.parametrize(
    ("error", "settled"),
    [
        (ProviderRefused("no"), (ProviderRefused, JobState.DEADLETTER)),
        (InvalidVector("NaN"), (InvalidVector, JobState.DEADLETTER)),
        (ValueError("odd"), (Unexpected, JobState.RETRYABLE)),
    ],
)
async def test_a_document_that_cannot_be_embedded_fails_alone(
    error: Exception, settled: tuple[type[IngestError], JobState]
) -> None:
    setting = Setting(embedding=lambda texts: error if "poison" in texts else None)
    batch = a_batch(["a"], ["b", "poison"], ["c"])
    first, poisoned, last = batch.jobs

    stored = await setting.run(batch)

    assert stored.published == ids([first, last])
    assert setting.ends.of(poisoned) == settled
    assert len(setting.ends.settlements) == 1


async def test_a_document_that_cannot_be_stored_fails_alone() -> None:
    setting = Setting(storing=lambda texts: ValueError("check") if "bad" in texts else None)
    batch = a_batch(["a"], ["bad"])
    good, bad = batch.jobs

    stored = await setting.run(batch)

    assert stored.published == ids([good])
    assert setting.ends.of(bad) == (Unexpected, JobState.RETRYABLE)
    message = setting.ends.settlements[bad.lease.job_id].error.message
    assert message == "embedding failed unexpectedly (ValueError)"


@pytest.mark.parametrize(
    ("error", "state", "costs"),
    [
        (ProviderUnavailable(), JobState.RETRYABLE, True),
        (RateLimited(), JobState.QUEUED, False),
    ],
)
async def test_a_provider_that_is_down_or_busy_is_asked_only_once(
    error: IngestError, state: JobState, costs: bool
) -> None:
    setting = Setting(embedding=lambda _: error)
    batch = a_batch(["a"], ["b"])

    stored = await setting.run(batch)

    assert stored == StoredBatch(frozenset(), frozenset())
    assert len(setting.embedder.calls) == 1
    assert setting.chunks.tries == 0
    assert {setting.ends.of(job) for job in batch.jobs} == {(type(error), state)}
    assert {s.costs_attempt for s in setting.ends.settlements.values()} == {costs}


async def test_a_batch_is_stored_once_the_store_is_back_and_not_embedded_again() -> None:
    failures = iter([StoreUnavailable(), StoreUnavailable(), None])
    setting = Setting(storing=lambda _: next(failures))
    batch = a_batch(["a"])

    stored = await setting.run(batch)

    assert stored.published == ids(batch.jobs)
    assert (len(setting.embedder.calls), setting.chunks.tries) == (1, 3)
    assert setting.ends.settlements == {}


async def test_a_store_that_stays_away_ends_the_attempt() -> None:
    setting = Setting(storing=lambda _: StoreUnavailable())
    batch = a_batch(["a"], ["b"])

    stored = await setting.run(batch)

    assert stored == StoredBatch(frozenset(), frozenset())
    assert (len(setting.embedder.calls), setting.chunks.tries) == (1, 4)
    assert {setting.ends.of(job) for job in batch.jobs} == {(StoreUnavailable, JobState.RETRYABLE)}


async def test_jobs_whose_lease_was_lost_are_named_and_not_settled() -> None:
    setting = Setting()
    batch = a_batch(["a"], ["b"])
    lost, held = batch.jobs
    setting.chunks.stale = ids([lost])

    stored = await setting.run(batch)

    assert stored == StoredBatch(frozenset(ids([held])), frozenset(ids([lost])))
    assert setting.ends.settlements == {}


@pytest.mark.parametrize("broken", [StoreUnavailable(), ValueError("refused")])
async def test_a_settlement_that_fails_stops_nobody(broken: Exception) -> None:
    setting = Setting(embedding=lambda texts: InvalidVector() if "poison" in texts else None)
    setting.ends = Ends(fails=broken)
    batch = a_batch(["poison"], ["a"])

    stored = await setting.run(batch)

    assert stored.published == ids(batch.jobs[1:])
