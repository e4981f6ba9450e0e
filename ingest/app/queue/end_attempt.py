"""How an attempt ends that did not publish."""

import random
from collections.abc import Callable

import structlog

from ingest.app.queue import fallback
from ingest.domain.attempt import Settlement
from ingest.domain.errors import IngestError, LeaseLost, ParseUnderway, StoreUnavailable
from ingest.domain.job import ClaimedJob, JobState
from ingest.domain.retry import DeadLetter, RetryPolicy, Wait
from ingest.domain.stage import Stage
from ingest.ports import SettlesJobs

log = structlog.get_logger(module=__name__)


class FailedAttempts:
    """Turns an error into the end of an attempt, by the retry policy alone."""

    def __init__(
        self,
        jobs: SettlesJobs,
        policy: RetryPolicy,
        *,
        may_fall_back: bool = False,
        count: Callable[[Stage, str, JobState], None] | None = None,
    ) -> None:
        """Begin.

        Args:
            jobs: Where attempts end.
            policy: Decides what failed attempts lead to.
            may_fall_back: Uploads go on without a provider that is away; see ``fallback``.
            count: Is told stage, error code and new state.
        """
        self._jobs = jobs
        self._policy = policy
        self._may_fall_back = may_fall_back
        self._count = count

    async def fail_job(self, job: ClaimedJob, error: IngestError, *, stage: Stage) -> None:
        """End an attempt with an error; never raises for the sake of one job.

        A lost lease or an unreachable database needs nothing: the lease runs out by itself and
        the job is rescued.
        """
        with structlog.contextvars.bound_contextvars(
            correlation_id=job.correlation_id, document_id=str(job.document_id)
        ):
            if not isinstance(error, LeaseLost):
                await self._end_attempt(job, error, stage)

    async def _end_attempt(self, job: ClaimedJob, error: IngestError, stage: Stage) -> None:
        lease = job.lease
        settlement = self._decide(job, error, stage)
        try:
            held = await self._jobs.settle(lease, settlement)
        except StoreUnavailable:
            log.warning(
                "job not settled", job_id=lease.job_id, stage=stage, code="store_unavailable"
            )
            return
        except Exception:
            log.exception("job not settled", job_id=lease.job_id, stage=stage, code=error.code)
            return
        if held:
            if self._count is not None:
                self._count(stage, error.code, settlement.state)
            log.warning(
                "job settled",
                job_id=lease.job_id,
                stage=stage,
                outcome=settlement.state,
                code=error.code,
                attempt=job.attempt,
                degrade=settlement.degrade,
            )

    def _decide(self, job: ClaimedJob, error: IngestError, stage: Stage) -> Settlement:
        jitter = random.random()  # noqa: S311
        if self._may_fall_back and (part := fallback.part_of(job, error, stage=stage)):
            return Settlement(JobState.QUEUED, error, degrade=part)
        decision = self._policy.decide(error, attempt=job.attempt, jitter=jitter)
        if isinstance(decision, DeadLetter):
            return Settlement(JobState.DEADLETTER, error, costs_attempt=True)
        if isinstance(decision, Wait):
            return Settlement(
                JobState.WAITING,
                error,
                delay=decision.delay,
                wait_reason=decision.reason,
                wait_at_most=decision.at_most,
                parse_job_id=error.parse_job_id if isinstance(error, ParseUnderway) else None,
            )
        state = JobState.RETRYABLE if decision.costs_attempt else JobState.QUEUED
        return Settlement(state, error, delay=decision.delay, costs_attempt=decision.costs_attempt)
