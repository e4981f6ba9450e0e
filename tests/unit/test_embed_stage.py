"""Embedding a batch: one call for many documents, one bad document alone, nothing raised."""

import math
from collections.abc import Sequence
from unittest.mock import AsyncMock

import numpy as np
import pytest

from ingest.app.pipeline import embed
from ingest.domain.attempt import StoredBatch
from ingest.domain.errors import (
    BudgetExhausted,
    IngestError,
    InputRefused,
    InvalidVector,
    MustWait,
    ProviderPaused,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    StoreUnavailable,
    Unexpected,
)
from ingest.domain.job import JobState, Lane
from ingest.domain.pricing import Operation, Payer
from tests.unit.embed_fixtures import MODEL, EmbedFixture, a_batch, digest
from tests.unit.stage_fixtures import TENANT, Ends, ids


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "STORE_PAUSES", (0.0, 0.0, 0.0))


async def test_many_documents_are_embedded_by_one_call_and_keep_their_own_vectors() -> None:
    setting = EmbedFixture()
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
    setting = EmbedFixture()
    batch = a_batch([], [])

    stored = await setting.run(batch)

    assert setting.embedder.calls == []
    assert setting.chunks.shapes == [(0, MODEL.dimension)]
    assert stored.published == ids(batch.jobs)


async def test_a_document_whose_embedding_breaks_fails_alone() -> None:
    setting = EmbedFixture(embedding=lambda texts: ValueError("odd") if "poison" in texts else None)
    settled = (Unexpected, JobState.RETRYABLE)
    batch = a_batch(["a"], ["b", "poison"], ["c"])
    first, poisoned, last = batch.jobs

    stored = await setting.run(batch)

    assert stored.published == ids([first, last])
    assert setting.ends.of(poisoned) == settled
    assert len(setting.ends.settlements) == 1


@pytest.mark.parametrize("error", [InputRefused("no"), InvalidVector("NaN")])
@pytest.mark.parametrize("place", [0, 1, 700, 998, 999])
async def test_one_refused_text_of_a_thousand_is_found_by_halving_and_left_out(
    error: IngestError, place: int
) -> None:
    texts = [f"text {n}" for n in range(1000)]
    setting = EmbedFixture(embedding=lambda sent: error if texts[place] in sent else None)
    batch = a_batch(texts[:400], texts[400:])
    owner = batch.jobs[0 if place < 400 else 1].lease.job_id

    await setting.run(batch)

    assert setting.chunks.left_out == [(owner, texts[place], error.code)]
    assert [text for _, text, _ in setting.chunks.rows] == texts[:place] + texts[place + 1 :]
    refused = [sent for sent in setting.embedder.calls if texts[place] in sent]
    assert len(refused) <= 1 + math.ceil(math.log2(len(texts)))
    assert setting.ends.settlements == {}


@pytest.mark.parametrize("known", [False, True])
async def test_a_refused_text_that_is_named_costs_one_refused_call_and_one_alone(
    known: bool,
) -> None:
    def refuse(sent: Sequence[str]) -> Exception | None:
        return InputRefused("no", index=list(sent).index("bad")) if "bad" in sent else None

    setting = EmbedFixture(embedding=refuse, paid=known)
    batch = a_batch(["a", "b"], ["b", "bad", "c"])
    if known:
        setting.chunks.known[digest("a")] = np.ones(2, dtype=np.float32)

    await setting.run(batch)

    assert setting.chunks.left_out == [(batch.jobs[1].lease.job_id, "bad", "input_refused")]
    assert [text for _, text, _ in setting.chunks.rows] == ["a", "b", "b", "c"]
    assert len([sent for sent in setting.embedder.calls if "bad" in sent]) == 2


async def test_a_document_of_which_every_text_is_refused_goes_to_the_dead_letter() -> None:
    setting = EmbedFixture(embedding=lambda texts: InputRefused("no") if "alone" in texts else None)
    batch = a_batch(["alone"], ["a"])

    stored = await setting.run(batch)

    assert stored.published == ids(batch.jobs[1:])
    assert setting.ends.of(batch.jobs[0]) == (InputRefused, JobState.DEADLETTER)


async def test_a_provider_that_refuses_us_is_asked_once() -> None:
    setting = EmbedFixture(embedding=lambda _: ProviderRefused("no such model"))
    batch = a_batch(["a"], ["b"])

    await setting.run(batch)

    assert len(setting.embedder.calls) == 1
    assert {setting.ends.of(job) for job in batch.jobs} == {(ProviderRefused, JobState.DEADLETTER)}


async def test_texts_that_cost_money_are_embedded_once_and_looked_up_after() -> None:
    setting = EmbedFixture(paid=True)
    setting.chunks.known[digest("old")] = np.array([9, 9], dtype=np.float32)
    batch = a_batch(["old", "new"], ["new", "newer", "old"])

    stored = await setting.run(batch)

    assert setting.embedder.calls == [["new", "newer"]]
    assert [vector for _, _, vector in setting.chunks.rows] == [
        [9.0, 9.0],
        [3.0, 0.0],
        [3.0, 0.0],
        [5.0, 1.0],
        [9.0, 9.0],
    ]
    assert stored.published == ids(batch.jobs)
    assert setting.embedder.payers == {Payer(TENANT, Lane.INTERACTIVE, Operation.EMBED)}


@pytest.mark.parametrize("error", [ProviderPaused("open"), BudgetExhausted("used up")])
async def test_jobs_wait_for_a_provider_or_a_budget_and_lose_no_attempt(error: MustWait) -> None:
    setting = EmbedFixture(embedding=lambda _: error)
    batch = a_batch(["a"], ["b"])

    await setting.run(batch)

    for job in batch.jobs:
        settlement = setting.ends.settlements[job.lease.job_id]
        assert (settlement.state, settlement.costs_attempt) == (JobState.WAITING, False)
        assert settlement.wait_reason == error.reason
        assert settlement.wait_at_most is not None


async def test_a_document_that_cannot_be_stored_fails_alone() -> None:
    setting = EmbedFixture(storing=lambda texts: ValueError("check") if "bad" in texts else None)
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
    setting = EmbedFixture(embedding=lambda _: error)
    batch = a_batch(["a"], ["b"])

    stored = await setting.run(batch)

    assert stored == StoredBatch(frozenset(), frozenset())
    assert len(setting.embedder.calls) == 1
    assert setting.chunks.tries == 0
    assert {setting.ends.of(job) for job in batch.jobs} == {(type(error), state)}
    assert {s.costs_attempt for s in setting.ends.settlements.values()} == {costs}


async def test_a_batch_is_stored_once_the_store_is_back_and_not_embedded_again() -> None:
    failures = iter([StoreUnavailable(), StoreUnavailable(), None])
    setting = EmbedFixture(storing=lambda _: next(failures))
    batch = a_batch(["a"])

    stored = await setting.run(batch)

    assert stored.published == ids(batch.jobs)
    assert (len(setting.embedder.calls), setting.chunks.tries) == (1, 3)
    assert setting.ends.settlements == {}


async def test_a_store_that_stays_away_ends_the_attempt() -> None:
    setting = EmbedFixture(storing=lambda _: StoreUnavailable())
    batch = a_batch(["a"], ["b"])

    stored = await setting.run(batch)

    assert stored == StoredBatch(frozenset(), frozenset())
    assert (len(setting.embedder.calls), setting.chunks.tries) == (1, 4)
    assert {setting.ends.of(job) for job in batch.jobs} == {(StoreUnavailable, JobState.RETRYABLE)}


async def test_jobs_whose_lease_was_lost_are_named_and_not_settled() -> None:
    setting = EmbedFixture()
    batch = a_batch(["a"], ["b"])
    lost, held = batch.jobs
    setting.chunks.stale = ids([lost])

    stored = await setting.run(batch)

    assert stored == StoredBatch(frozenset(ids([held])), frozenset(ids([lost])))
    assert setting.ends.settlements == {}


@pytest.mark.parametrize("broken", [StoreUnavailable(), ValueError("refused")])
async def test_a_settlement_that_fails_stops_nobody(broken: Exception) -> None:
    setting = EmbedFixture(embedding=lambda texts: KeyError() if "poison" in texts else None)
    setting.ends = Ends(fails=broken)
    batch = a_batch(["poison"], ["a"])

    stored = await setting.run(batch)

    assert stored.published == ids(batch.jobs[1:])


async def test_nothing_is_paid_for_documents_whose_lease_is_lost() -> None:
    setting = EmbedFixture(paid=True)
    batch = a_batch(["a", "bb"], ["ccc"])
    first, second = (job.lease.job_id for job in batch.jobs)
    setting.chunks.lost = frozenset({first})

    stored = await setting.run(batch)

    assert setting.embedder.calls == [["ccc"]]
    assert stored == StoredBatch(frozenset({second}), frozenset({first}))


async def test_a_batch_of_lost_leases_is_neither_paid_nor_stored() -> None:
    setting = EmbedFixture(paid=True)
    batch = a_batch(["a"])
    setting.chunks.lost = frozenset(ids(batch.jobs))

    stored = await setting.run(batch)

    assert setting.embedder.calls == []
    assert setting.chunks.rows == []
    assert stored == StoredBatch(frozenset(), setting.chunks.lost)


@pytest.mark.parametrize("broken", [StoreUnavailable(), ZeroDivisionError("1/0")])
async def test_a_lease_that_cannot_be_asked_for_ends_the_attempt(
    broken: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = EmbedFixture(paid=True)
    batch = a_batch(["a"])
    monkeypatch.setattr(setting.chunks, "held", AsyncMock(side_effect=[frozenset(), broken]))

    await setting.run(batch)

    assert setting.embedder.calls == []
    assert ids(batch.jobs) <= setting.ends.settlements.keys()


async def test_what_is_lost_while_a_call_waits_for_quota_is_not_paid() -> None:
    setting = EmbedFixture(paid=True)
    batch = a_batch(["a", "bb"], ["ccc"])
    first, second = (job.lease.job_id for job in batch.jobs)

    def lose() -> None:
        setting.chunks.lost = frozenset({first})

    setting.embedder.before_calls = lose

    stored = await setting.run(batch)

    assert setting.embedder.calls == [["ccc"]]
    assert stored == StoredBatch(frozenset({second}), frozenset({first}))
