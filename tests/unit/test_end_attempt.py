"""How an attempt ends that did not publish."""

from datetime import timedelta

import pytest

from ingest.app.queue.end_attempt import FailedAttempts
from ingest.domain.errors import (
    BudgetExhausted,
    DocumentEncrypted,
    IngestError,
    LeaseLost,
    ProviderPaused,
    ProviderUnavailable,
    RateLimited,
    StoreUnavailable,
)
from ingest.domain.job import Cause, Degraded, JobState
from ingest.domain.retry import RetryPolicy
from ingest.domain.stage import Stage
from tests.unit.stage_fixtures import Ends, a_job

POLICY = RetryPolicy(max_attempts=3, base=timedelta(seconds=2), cap=timedelta(seconds=60))


@pytest.mark.parametrize(
    ("error", "attempt", "state", "costs"),
    [
        (ProviderUnavailable(), 1, JobState.RETRYABLE, True),
        (ProviderUnavailable(), 2, JobState.RETRYABLE, True),
        (ProviderUnavailable(), 3, JobState.DEADLETTER, True),
        (DocumentEncrypted(), 1, JobState.DEADLETTER, True),
        (RateLimited(), 3, JobState.QUEUED, False),
    ],
)
async def test_the_error_and_the_attempt_decide_the_end(
    error: IngestError, attempt: int, state: JobState, costs: bool
) -> None:
    ends = Ends()
    job = a_job(attempt=attempt)

    await FailedAttempts(ends, POLICY).fail_job(job, error, stage=Stage.PARSING)

    settlement = ends.settlements[job.lease.job_id]
    assert (settlement.state, settlement.costs_attempt) == (state, costs)
    assert settlement.error is error
    assert (settlement.delay > timedelta()) == (state is not JobState.DEADLETTER)


async def test_attempts_that_failed_together_do_not_come_back_together() -> None:
    ends = Ends()
    jobs = [a_job() for _ in range(50)]

    for job in jobs:
        await FailedAttempts(ends, POLICY).fail_job(
            job, ProviderUnavailable(), stage=Stage.EMBEDDING
        )

    delays = {settlement.delay for settlement in ends.settlements.values()}
    assert len(delays) > 40
    assert all(1.5 <= delay.total_seconds() <= 2.5 for delay in delays)


async def test_a_lost_lease_needs_no_end() -> None:
    ends = Ends()

    await FailedAttempts(ends, POLICY).fail_job(a_job(), LeaseLost(), stage=Stage.EMBEDDING)

    assert ends.settlements == {}


@pytest.mark.parametrize("broken", [StoreUnavailable(), ValueError("nobody foresaw this")])
async def test_a_job_that_cannot_be_settled_raises_nothing(broken: Exception) -> None:
    counted: list[tuple[Stage, str, JobState]] = []
    failed_attempts = FailedAttempts(
        Ends(fails=broken), POLICY, count=lambda *facts: counted.append(facts)
    )

    await failed_attempts.fail_job(a_job(), DocumentEncrypted(), stage=Stage.PARSING)

    assert counted == []


@pytest.mark.parametrize("held", [True, False])
async def test_only_an_end_that_was_written_is_counted(held: bool) -> None:
    counted: list[tuple[Stage, str, JobState]] = []
    failed_attempts = FailedAttempts(
        Ends(held=held), POLICY, count=lambda *facts: counted.append(facts)
    )

    await failed_attempts.fail_job(a_job(), DocumentEncrypted(), stage=Stage.PARSING)

    assert counted == ([(Stage.PARSING, "document_encrypted", JobState.DEADLETTER)] if held else [])


@pytest.mark.parametrize(
    ("error", "stage", "part"),
    [
        (ProviderPaused(), Stage.PARSING, Degraded.PARSER),
        (ProviderPaused(), Stage.EMBEDDING, Degraded.EMBEDDER),
        (ProviderPaused(), Stage.PARSED, None),
        (BudgetExhausted(), Stage.EMBEDDING, None),
        (ProviderUnavailable(), Stage.EMBEDDING, None),
    ],
)
async def test_an_upload_goes_on_without_a_provider_that_is_away(
    error: IngestError, stage: Stage, part: Degraded | None
) -> None:
    ends, job = Ends(), a_job()

    await FailedAttempts(ends, POLICY, may_fall_back=True).fail_job(job, error, stage=stage)

    settlement = ends.settlements[job.lease.job_id]
    assert settlement.degrade is part
    if part:
        assert (settlement.state, settlement.costs_attempt) == (JobState.QUEUED, False)


@pytest.mark.parametrize(
    ("may_fall_back", "cause", "already"),
    [
        (False, Cause.UPLOAD, []),
        (True, Cause.UPGRADE, []),
        (True, Cause.UPLOAD, [Degraded.EMBEDDER]),
    ],
    ids=["not wanted", "makes a degraded one again", "did so before"],
)
async def test_a_job_waits_for_a_provider_that_is_away(
    may_fall_back: bool, cause: Cause, already: list[Degraded]
) -> None:
    ends, job = Ends(), a_job(cause=cause, degraded=already)

    await FailedAttempts(ends, POLICY, may_fall_back=may_fall_back).fail_job(
        job, ProviderPaused(), stage=Stage.EMBEDDING
    )

    settlement = ends.settlements[job.lease.job_id]
    assert (settlement.state, settlement.degrade) == (JobState.WAITING, None)
