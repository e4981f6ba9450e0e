"""Jobs: list and read them with the reason for waiting, cancel and retry them."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from ingest.adapters.postgres.jobs.job_store import MOST_AHEAD, JobView
from ingest.adapters.postgres.jobs.worker_store import working_lanes
from ingest.domain.errors import Conflict, NotFound
from ingest.domain.eta import time_left
from ingest.domain.job import FINAL_STATES, JobState, Lane, WaitReason
from ingest.domain.pause import Pause, calls_held_by, claims_held_by
from serve import paging
from serve.authorization import Tenant
from serve.dependencies import CurrentDependencies, Dependencies
from serve.problems import documented
from serve.query_parameters import StrictRoute
from serve.schemas import JobBatch, JobBatchRequest, JobBody, JobPage, PauseBody, WaitingFor

router = APIRouter(tags=["jobs"], route_class=StrictRoute)
MISSING = "there is no such job"
_MOVING = frozenset({"queue", "retry", "worker"})


@router.get(
    "/v1/jobs",
    response_model=JobPage,
    summary="List jobs, newest first",
    responses=documented(401, 403, 422, 503),
)
async def list_jobs(
    gateway: CurrentDependencies,
    tenant: Tenant,
    state: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
    cursor: Annotated[
        str | None, Query(description="The next_cursor of the previous page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JobPage:
    """Return one page of the tenant's jobs."""
    rows = await gateway.jobs.list_newest(
        tenant, state=state, before=paging.decode(cursor), limit=limit + 1
    )
    page, next_cursor = paging.cut(rows, limit, lambda row: (row.created_at, row.job_id))
    pauses = await gateway.paused()
    return JobPage(jobs=[body(row, pauses) for row in page], next_cursor=next_cursor)


@router.post(
    "/v1/jobs:batchGet",
    response_model=JobBatch,
    summary="Read many jobs at once",
    responses=documented(401, 403, 413, 422, 503),
)
async def get_jobs(
    asked: JobBatchRequest, gateway: CurrentDependencies, tenant: Tenant
) -> JobBatch:
    """Return up to 500 jobs of the tenant."""
    rows = await gateway.jobs.get_many(asked.job_ids, tenant)
    pauses = await gateway.paused()
    return JobBatch(jobs=[body(row, pauses) for row in rows])


@router.get(
    "/v1/jobs/{job_id:uuid}",
    response_model=JobBody,
    summary="Read a job",
    responses=documented(401, 403, 404, 422, 503),
)
async def get_job(job_id: UUID, gateway: CurrentDependencies, tenant: Tenant) -> JobBody:
    """Return one job of the tenant, with its place in the queue and its estimated time."""
    return await _read(gateway, job_id, tenant)


@router.post(
    "/v1/jobs/{job_id:uuid}:cancel",
    response_model=JobBody,
    summary="Cancel a job",
    responses=documented(401, 403, 404, 409, 422, 503),
)
async def cancel_job(job_id: UUID, gateway: CurrentDependencies, tenant: Tenant) -> JobBody:
    """Cancel a job that has not ended; a second call changes nothing."""
    done = await gateway.jobs.cancel(job_id, tenant)
    body = await _read(gateway, job_id, tenant)
    if not done and body.state is not JobState.CANCELLED:
        raise Conflict(f"the job has ended already, in state {body.state.value!r}")
    return body


@router.post(
    "/v1/jobs/{job_id:uuid}:retry",
    response_model=JobBody,
    summary="Retry a failed job",
    responses=documented(401, 403, 404, 409, 422, 503),
)
async def retry_job(job_id: UUID, gateway: CurrentDependencies, tenant: Tenant) -> JobBody:
    """Retry a job of the dead letter with fresh attempts."""
    done = await gateway.jobs.replay(job_id, tenant)
    body = await _read(gateway, job_id, tenant)
    if done:
        return body
    if body.state is JobState.DEADLETTER:
        raise Conflict("a newer job of the same document replaced this one; retry that one")
    raise Conflict(
        f"only a job in the dead letter can be retried; this one is {body.state.value!r}"
    )


async def _read(gateway: Dependencies, job_id: UUID, tenant: UUID) -> JobBody:
    """Read a job, and the reason and time of its wait."""
    view = await gateway.jobs.get(job_id, tenant)
    if view is None:
        raise NotFound(MISSING)
    pauses = await gateway.paused()
    if view.state in FINAL_STATES or view.state is JobState.WAITING:
        return body(view, pauses)
    lanes = working_lanes(await gateway.workers.list_running())
    is_held = view.state is JobState.WORKING
    jobs_ahead = 0 if is_held else await gateway.jobs.queue_position(job_id)
    shown = body(view, pauses, lanes=lanes, jobs_ahead=None if is_held else jobs_ahead)
    if is_held and shown.waiting_for:
        await gateway.providers.refresh()
        shown.waiting_for.short_of_quota = gateway.providers.short_of_quota()
    if jobs_ahead == MOST_AHEAD:
        return shown  # without the exact number ahead, no estimate is possible
    throughput = await gateway.queue.throughput(view.lane, tenant)
    left = time_left(throughput, jobs_ahead=jobs_ahead, is_held=is_held)
    if left is not None and shown.waiting_for and shown.waiting_for.reason in _MOVING:
        left += max(view.run_after - datetime.now(UTC), timedelta())
        shown.waiting_for.eta_seconds = round(left.total_seconds(), 1)
    return shown


def body(
    view: JobView,
    pauses: Sequence[Pause],
    *,
    lanes: Collection[Lane] = tuple(Lane),
    jobs_ahead: int | None = None,
) -> JobBody:
    """Build the body of a job.

    Args:
        view: The job.
        pauses: All pauses.
        lanes: Lanes that have a running stream.
        jobs_ahead: Jobs before it in the queue; None when not counted.
    """
    return JobBody.of(view, waiting_for=_waiting_for(view, pauses, lanes, jobs_ahead))


def _waiting_for(
    view: JobView, pauses: Sequence[Pause], lanes: Collection[Lane], jobs_ahead: int | None
) -> WaitingFor:
    if view.state is JobState.WORKING:
        return WaitingFor(reason="worker", until=view.leased_until, worker_id=view.leased_by)
    if view.state is JobState.WAITING:
        # A parse has its own deadline, long before that of the job.
        is_parse = view.wait_reason == WaitReason.PARSE
        until = view.run_after if is_parse else view.wait_until
        is_paused = view.wait_reason == WaitReason.PAUSED
        return WaitingFor.model_validate(
            {"reason": view.wait_reason, "until": until}
            | _named(calls_held_by(pauses) if is_paused else [])
        )
    if held := claims_held_by(pauses, tenant_id=view.tenant_id, lane=view.lane):
        return WaitingFor.model_validate(
            {"reason": WaitReason.PAUSED, "jobs_ahead": jobs_ahead} | _named(held)
        )
    if view.run_after > datetime.now(UTC):
        return WaitingFor(reason="retry", until=view.run_after)
    if view.lane not in lanes:
        return WaitingFor(reason="no_worker", jobs_ahead=jobs_ahead)
    return WaitingFor(reason="queue", jobs_ahead=jobs_ahead)


def _named(pauses: Sequence[Pause]) -> dict[str, Any]:
    return {
        "paused_by": [pause.label for pause in pauses],
        "pauses": [PauseBody.of(pause) for pause in pauses],
    }
