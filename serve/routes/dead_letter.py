"""The dead letter: lists, replays and discards jobs that failed for good."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from ingest.domain.dead_letter import DeadLetterQuery
from serve import paging
from serve.authorization import Tenant
from serve.dependencies import CurrentDependencies
from serve.problems import documented
from serve.query_parameters import StrictRoute
from serve.routes import jobs
from serve.schemas import JobPage, RequestBody, ResponseBody, Text, Whole

router = APIRouter(tags=["dead letter"], route_class=StrictRoute)
MOST_JOBS = 1000
"""Most jobs of one call; the caller repeats the call while jobs are left."""
_LONGEST_SECONDS = 100 * 366 * 86_400.0
_Text = Annotated[Text, Field(max_length=200)]
_Age = Annotated[float, Field(ge=0, le=_LONGEST_SECONDS)]
_CODE = "Code of the error, e.g. document_encrypted."
_CLASS = "Class of the error, or a base of it, e.g. DocumentRejected or TransientError."
_OLDER = "Only jobs that failed at least this many seconds ago."
_NEWER = "Only jobs that failed at most this many seconds ago."
_TEXT = "Part of the error's message or of the filename, in any case."


class DeadLetterFilter(RequestBody):
    """A filter that selects the jobs that match all given fields."""

    code: _Text | None = Field(None, description=_CODE)
    error_class: _Text | None = Field(None, alias="class", description=_CLASS)
    older_than_seconds: _Age | None = Field(None, strict=True, description=_OLDER)
    newer_than_seconds: _Age | None = Field(None, strict=True, description=_NEWER)
    text: _Text | None = Field(None, description=_TEXT)

    def wanted(self) -> DeadLetterQuery:
        """Convert the filter for the store."""
        return DeadLetterQuery(
            code=self.code,
            error_class=self.error_class,
            older_than=_span(self.older_than_seconds),
            newer_than=_span(self.newer_than_seconds),
            text=self.text,
        )


class DeadLetterRequest(DeadLetterFilter):
    """A filter, with the number of jobs."""

    limit: Whole = Field(100, ge=1, le=MOST_JOBS, description="Most jobs in this call.")
    dry_run: bool = Field(
        False, strict=True, description="Only report the jobs, and change nothing."
    )


class ReplayBody(ResponseBody):
    """The result of a replay, or of its dry run."""

    dry_run: bool
    jobs: int = Field(description="Jobs that are replayed.")
    left: int = Field(description="Matching jobs left over; call again to replay them.")
    superseded: int = Field(
        description="Matching jobs that cannot be replayed, because a newer job replaced them."
    )
    last_due_at: datetime | None = Field(
        description="When the last job may start; the jobs start one after the other."
    )


class DiscardBody(ResponseBody):
    """The result of a discard, or of its dry run."""

    dry_run: bool
    jobs: int = Field(description="Jobs that are cancelled.")
    left: int = Field(description="Matching jobs left over; call again to discard them.")


async def _asked(
    code: Annotated[_Text | None, Query(description=_CODE)] = None,
    error_class: Annotated[_Text | None, Query(alias="class", description=_CLASS)] = None,
    older_than_seconds: Annotated[_Age | None, Query(description=_OLDER)] = None,
    newer_than_seconds: Annotated[_Age | None, Query(description=_NEWER)] = None,
    text: Annotated[_Text | None, Query(description=_TEXT)] = None,
) -> DeadLetterQuery:
    return DeadLetterQuery(
        code=code,
        error_class=error_class,
        older_than=_span(older_than_seconds),
        newer_than=_span(newer_than_seconds),
        text=text,
    )


@router.get(
    "/v1/dead-letter",
    response_model=JobPage,
    summary="List failed jobs, the latest first",
    responses=documented(401, 403, 422, 503),
)
async def list_dead(
    gateway: CurrentDependencies,
    tenant: Tenant,
    wanted: Annotated[DeadLetterQuery, Depends(_asked)],
    cursor: Annotated[
        str | None, Query(description="The next_cursor of the previous page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JobPage:
    """Return one page of the tenant's jobs that failed for good."""
    rows = await gateway.dead_letter.list_latest(
        tenant, wanted, before=paging.decode(cursor), limit=limit + 1
    )
    page, next_cursor = paging.cut(
        rows, limit, lambda row: (row.finished_at or row.updated_at, row.job_id)
    )
    return JobPage(jobs=[jobs.body(row, ()) for row in page], next_cursor=next_cursor)


@router.post(
    "/v1/dead-letter:replay",
    response_model=ReplayBody,
    summary="Replay failed jobs",
    responses=documented(401, 403, 413, 422, 503),
)
async def replay(
    asked: DeadLetterRequest, gateway: CurrentDependencies, tenant: Tenant
) -> ReplayBody:
    """Replay failed jobs with fresh attempts, the oldest failure first.

    They start one after the other, INGEST_REPLAYS_PER_SECOND jobs a second. Repeat the call while
    `left` is above 0. A replayed job matches again only if it fails again.
    """
    done = await gateway.dead_letter.replay(
        tenant,
        asked.wanted(),
        limit=asked.limit,
        apart=timedelta(seconds=1 / gateway.settings.replays_per_second),
        dry_run=asked.dry_run,
    )
    return ReplayBody(
        dry_run=asked.dry_run,
        jobs=done.jobs,
        left=done.left,
        superseded=done.superseded,
        last_due_at=done.last_due_at,
    )


@router.post(
    "/v1/dead-letter:discard",
    response_model=DiscardBody,
    summary="Discard failed jobs",
    responses=documented(401, 403, 413, 422, 503),
)
async def discard(
    asked: DeadLetterRequest, gateway: CurrentDependencies, tenant: Tenant
) -> DiscardBody:
    """Cancel failed jobs; they keep their last error and their history."""
    done = await gateway.dead_letter.discard(
        tenant, asked.wanted(), limit=asked.limit, dry_run=asked.dry_run
    )
    return DiscardBody(dry_run=asked.dry_run, jobs=done.jobs, left=done.left)


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
