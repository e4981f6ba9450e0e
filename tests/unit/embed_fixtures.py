"""What the tests of the embed stage build: batches, an embedder, a store of chunks."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from ingest.app.pipeline.batch_vectors import BatchVectors, LocalVectors, PaidVectors
from ingest.app.pipeline.embed import EmbedStage
from ingest.app.pipeline.messages import Batch
from ingest.domain.attempt import DocumentChunks, StoredBatch, Target
from ingest.domain.chunk import Chunk
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.errors import IngestError, InputRefused
from tests.fakes import FakeEmbedder, Refuse
from tests.unit.stage_fixtures import LEASE, Ends, a_job

MODEL = EmbeddingModel("m", "1", 2)


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
        text_sha256=digest(text),
        filename="a.txt",
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


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


class Chunks:
    """A StoresChunks that publishes whatever it is given."""

    def __init__(self, refuse: Callable[[Sequence[str]], Exception | None] = lambda _: None):
        self.rows: list[tuple[UUID, str, list[float]]] = []
        self.shapes: list[tuple[int, ...]] = []
        self.tries = 0
        self.stale: set[UUID] = set()
        self.lost: frozenset[UUID] = frozenset()
        self.known: dict[bytes, NDArray[np.float32]] = {}
        self.left_out: list[tuple[UUID, str, str]] = []
        self._refuse = refuse

    async def leave_out(
        self, target: Target, chunk: Chunk, error: IngestError, *, lease: timedelta
    ) -> StoredBatch:
        if chunk.text == "alone":
            raise InputRefused("none of the document's texts was accepted")
        self.left_out.append((target.lease.job_id, chunk.text, error.code))
        return StoredBatch(frozenset(), frozenset())

    async def held(self, targets: Sequence[Target]) -> frozenset[UUID]:
        return frozenset(target.lease.job_id for target in targets) - self.lost

    async def embedded_before(
        self, tenant_id: UUID, digests: Sequence[bytes]
    ) -> dict[bytes, NDArray[np.float32]]:
        return {digest: self.known[digest] for digest in digests if digest in self.known}

    async def plan(
        self, documents: Sequence[DocumentChunks], *, lease: timedelta
    ) -> tuple[list[DocumentChunks], frozenset[UUID]]:
        raise NotImplementedError  # the embed stage does not plan

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


class EmbedFixture:
    """A stage with its ports."""

    def __init__(
        self,
        *,
        embedding: Refuse = lambda _: None,
        storing: Refuse = lambda _: None,
        paid: bool = False,
    ) -> None:
        self.embedder = FakeEmbedder(MODEL, refuse=embedding)
        self.chunks = Chunks(storing)
        self.vectors: BatchVectors = (
            PaidVectors(self.embedder, self.chunks) if paid else LocalVectors(self.embedder)
        )
        self.ends = Ends()

    async def run(self, batch: Batch) -> StoredBatch:
        stage = EmbedStage(
            self.vectors, self.chunks, failed_attempts=self.ends.failed_attempts(), lease=LEASE
        )
        return await stage.run(batch)
