"""From texts to batches: what is cut, what is packed together, and what ends early."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.adapters.splitters.structure import StructureSplitter
from ingest.app.pipeline.chunk import LEAST_ITEMS, BatchLimits, ChunkStage, Packed, SpaceStores, cut
from ingest.app.pipeline.messages import ParsedJob
from ingest.domain.attempt import DocumentChunks, StoredBatch, Target
from ingest.domain.batch_api import Deferred
from ingest.domain.chunk import Chunk
from ingest.domain.document import Heading, Page, ParsedDocument
from ingest.domain.embedding import Vectors
from ingest.domain.errors import (
    DocumentEmpty,
    DocumentUnreadable,
    IngestError,
    NotFound,
    SpaceMoved,
    StoreUnavailable,
    TextsFailed,
)
from ingest.domain.job import ClaimedJob, Degraded, JobState, Lane
from tests.unit.stage_fixtures import LEASE, Blobs, Ends, a_job

SPLITTER = StructureSplitter(max_tokens=16, overlap_tokens=0)
PARAGRAPH = "Eight plain words stand in this short paragraph."


class Plans:
    """A StoresChunks that only plans: some chunks are stored already, some leases are lost."""

    def __init__(self) -> None:
        self.stored: set[UUID] = set()
        self.lost: set[UUID] = set()
        self.fails: StoreUnavailable | None = None

    async def plan(
        self, documents: Sequence[DocumentChunks], *, lease: timedelta
    ) -> tuple[list[DocumentChunks], frozenset[UUID]]:
        assert lease == LEASE
        if self.fails is not None:
            raise self.fails
        missing = [
            DocumentChunks(d.target, tuple(c for c in d.chunks if c.chunk_id not in self.stored))
            for d in documents
            if d.target.lease.job_id not in self.lost
        ]
        return missing, frozenset(self.lost)

    async def store(
        self, documents: Sequence[DocumentChunks], vectors: Vectors, *, lease: timedelta
    ) -> StoredBatch:
        raise NotImplementedError  # the chunk stage does not store

    async def leave_out(
        self, target: Target, chunk: Chunk, error: IngestError, *, lease: timedelta
    ) -> StoredBatch:
        raise NotImplementedError  # the chunk stage does not embed

    async def held(self, targets: Sequence[Target]) -> frozenset[UUID]:
        raise NotImplementedError  # the chunk stage does not pay

    async def embedded_before(
        self, tenant_id: UUID, digests: Sequence[bytes]
    ) -> dict[bytes, NDArray[np.float32]]:
        raise NotImplementedError  # the chunk stage does not pay


class ChunkFixture:
    def __init__(self, *, items: int = 2048, tokens: int = 300_000, ways: int = 1) -> None:
        self.plans, self.local_plans = Plans(), Plans()
        self.blobs, self.ends = Blobs(), Ends()
        self.limits = BatchLimits(items=items, tokens=tokens, ways=ways)
        self.ready: set[UUID] = set()
        self.failing: dict[UUID, IngestError] = {}
        self.left: list[UUID] = []

    async def defer(self, documents: Sequence[DocumentChunks]) -> Deferred:
        """Of these, some need not wait for a provider batch, and some have failed."""
        by_job = {document.target.lease.job_id: document for document in documents}
        self.left += by_job.keys() - self.ready - self.failing.keys()
        return Deferred(
            [document for job_id, document in by_job.items() if job_id in self.ready],
            [(by_job[job_id], why) for job_id, why in self.failing.items()],
        )

    async def run(self, *parsed_jobs: ParsedJob) -> Packed:
        stage = ChunkStage(
            SPLITTER,
            self.blobs,
            SpaceStores(self.plans, self.local_plans),
            defer={None: self.defer},
            failed_attempts=self.ends.failed_attempts(),
            lease=LEASE,
            limits=self.limits,
        )
        return await stage.run(parsed_jobs)


def a_text(paragraphs: int) -> ParsedDocument:
    text = "\n\n".join(f"{PARAGRAPH} {n}." for n in range(paragraphs))
    return ParsedDocument(text=text, pages=(), headings=(), parser="test/1")


def a_parsed(paragraphs: int = 1, *, parsed: ParsedDocument | None = None) -> ParsedJob:
    return ParsedJob(a_job(), "key", parsed or a_text(paragraphs))


def chunks_in(packed: Packed) -> list[tuple[UUID, int]]:
    return [
        (document.target.lease.job_id, chunk.chunk_ord)
        for batch in packed.batches
        for document in batch.documents
        for chunk in document.chunks
    ]


def all_of(*parsed_jobs: tuple[ParsedJob, int]) -> list[tuple[UUID, int]]:
    return [(p.job.lease.job_id, n) for p, count in parsed_jobs for n in range(count)]


async def test_small_documents_share_a_batch() -> None:
    documents = [a_parsed() for _ in range(50)]

    packed = await ChunkFixture().run(*documents)

    assert len(packed.batches) == packed.most == 1
    assert chunks_in(packed) == all_of(*((document, 1) for document in documents))
    assert packed.batches[0].jobs == tuple(document.job for document in documents)


async def test_a_large_document_is_spread_and_every_chunk_is_in_one_batch() -> None:
    document = a_parsed(1000)

    packed = await ChunkFixture(ways=4).run(document)

    assert 4 <= len(packed.batches) <= 1000 // LEAST_ITEMS + 1
    assert chunks_in(packed) == all_of((document, 1000))


@pytest.mark.parametrize(("items", "tokens"), [(100, 300_000), (2048, 500)])
async def test_no_batch_is_over_its_limits_and_documents_cross_borders(
    items: int, tokens: int
) -> None:
    first, second = a_parsed(130), a_parsed(170)

    packed = await ChunkFixture(items=items, tokens=tokens).run(first, second)

    assert chunks_in(packed) == all_of((first, 130), (second, 170))
    for batch in packed.batches:
        chunks = [chunk for document in batch.documents for chunk in document.chunks]
        assert len(chunks) <= items
        assert sum(chunk.token_count for chunk in chunks) <= tokens
    assert any(len(batch.documents) == 2 for batch in packed.batches)


async def test_only_what_is_missing_is_embedded_and_what_is_complete_still_published() -> None:
    setting = ChunkFixture()
    whole, half = a_parsed(3), a_parsed(4)
    before = await setting.run(whole, half)
    chunks = [c for b in before.batches for d in b.documents for c in d.chunks]
    setting.plans.stored = {chunk.chunk_id for chunk in chunks[:5]}

    packed = await setting.run(whole, half)

    assert chunks_in(packed) == [(half.job.lease.job_id, 2), (half.job.lease.job_id, 3)]
    [batch] = packed.batches
    assert {d.target for d in batch.documents} == {Target.of(whole.job), Target.of(half.job)}


async def test_a_repeated_call_knows_how_many_batches_the_first_had() -> None:
    setting = ChunkFixture(ways=4)
    document = a_parsed(1000)
    before = await setting.run(document)
    setting.plans.stored = {
        c.chunk_id for b in before.batches for d in b.documents for c in d.chunks
    }

    packed = await setting.run(document)

    assert len(packed.batches) == 1
    assert packed.most == len(before.batches) > 1


async def test_a_text_that_did_not_travel_is_read_from_storage() -> None:
    setting = ChunkFixture()
    job = a_job()
    setting.blobs.kept["text"] = a_text(2).to_bytes()

    packed = await setting.run(ParsedJob(job, "text", None))

    assert [ord_ for _, ord_ in chunks_in(packed)] == [0, 1]


async def test_failed_documents_are_settled_and_the_rest_goes_on() -> None:
    setting = ChunkFixture()
    blank = a_parsed(parsed=ParsedDocument(text=" \n", pages=(), headings=(), parser="test/1"))
    broken, gone, sound = a_job(), a_job(), a_parsed(2)
    setting.blobs.kept["broken"] = b"{"

    packed = await setting.run(
        blank, ParsedJob(broken, "broken", None), ParsedJob(gone, "gone", None), sound
    )

    assert chunks_in(packed) == all_of((sound, 2))
    assert setting.ends.of(blank.job) == (DocumentEmpty, JobState.DEADLETTER)
    assert setting.ends.of(broken) == (DocumentUnreadable, JobState.DEADLETTER)
    assert setting.ends.of(gone) == (NotFound, JobState.DEADLETTER)


async def test_a_lost_lease_is_left_out_and_not_settled() -> None:
    setting = ChunkFixture()
    lost, held = a_parsed(2), a_parsed(2)
    setting.plans.lost = {lost.job.lease.job_id}

    packed = await setting.run(lost, held)

    assert chunks_in(packed) == all_of((held, 2))
    assert setting.ends.settlements == {}


async def test_when_nothing_can_be_planned_all_are_tried_again() -> None:
    setting = ChunkFixture()
    documents: list[ParsedJob] = [a_parsed(), a_parsed()]
    setting.plans.fails = StoreUnavailable()

    assert await setting.run(*documents) == Packed()

    jobs: list[ClaimedJob] = [document.job for document in documents]
    assert [setting.ends.of(job)[1] for job in jobs] == [JobState.RETRYABLE] * 2


async def test_chunks_know_their_page_and_headings() -> None:
    text = f"# One\n\n{PARAGRAPH}\n\n## Two\n\n{PARAGRAPH}"
    at = text.index("## Two")
    parsed = ParsedDocument(
        text=text,
        pages=(Page(1, 0, at), Page(2, at, len(text))),
        headings=(Heading(0, 1, "One"), Heading(at, 2, "Two")),
        parser="test/1",
    )

    packed = await ChunkFixture().run(a_parsed(parsed=parsed))

    chunks = [c for b in packed.batches for d in b.documents for c in d.chunks]
    assert [(c.page, c.heading_path) for c in chunks] == [(1, ("One",)), (2, ("One", "Two"))]
    assert "".join(text[c.char_start : c.char_end] for c in chunks).replace("\n", "") == (
        text.replace("\n", "")
    )


async def test_tenants_of_another_vector_space_wait_until_the_settings_name_it() -> None:
    setting = ChunkFixture()
    known, other = a_parsed(), a_parsed()
    other = replace(other, job=replace(other.job, served_in="another@1"))

    packed = await setting.run(known, other)

    assert [[job.document_id for job in batch.jobs] for batch in packed.batches] == [
        [known.job.document_id]
    ]
    assert setting.ends.of(other.job) == (SpaceMoved, JobState.QUEUED)
    assert not setting.ends.settlements[other.job.lease.job_id].costs_attempt


async def test_documents_that_embed_here_are_planned_and_packed_apart() -> None:
    setting = ChunkFixture()
    paid, here = a_parsed(), a_parsed()
    here = replace(here, job=replace(here.job, degraded=frozenset({Degraded.EMBEDDER})))

    packed = await setting.run(paid, here)

    assert [batch.key.embeds_by_fallback for batch in packed.batches] == [False, True]
    assert [[job.document_id for job in batch.jobs] for batch in packed.batches] == [
        [paid.job.document_id],
        [here.job.document_id],
    ]
    assert packed.most == 2


async def test_texts_of_the_lane_batch_wait_unless_they_are_known_or_failed() -> None:
    setting = ChunkFixture()
    online, waits, known, fails, complete = (a_parsed() for _ in range(5))
    batched = [
        replace(parsed_job, job=replace(parsed_job.job, lane=Lane.BATCH))
        for parsed_job in (waits, known, fails, complete)
    ]
    setting.ready = {known.job.lease.job_id}
    setting.failing = {fails.job.lease.job_id: TextsFailed("three batches gave nothing")}
    [whole] = cut(
        complete.parsed or a_text(1),
        complete.job.document_id,
        SPLITTER,
        filename=complete.job.filename,
    )
    setting.plans.stored = {whole.chunk_id}

    first = await setting.run(online)
    packed = await setting.run(*batched)

    assert chunks_in(first) == all_of((online, 1))
    assert setting.left == [waits.job.lease.job_id]
    assert {job.lease.job_id for batch in packed.batches for job in batch.jobs} == {
        known.job.lease.job_id,
        complete.job.lease.job_id,
    }
    [(job_id, settlement)] = setting.ends.settlements.items()
    assert job_id == fails.job.lease.job_id
    assert settlement.state is JobState.DEADLETTER
