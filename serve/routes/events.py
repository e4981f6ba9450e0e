"""A job's events as server-sent events: first the past ones, then new ones."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from starlette.responses import Response, StreamingResponse

from ingest.adapters.postgres.jobs.event_store import Event
from ingest.domain.errors import InvalidRequest, NotFound, StoreUnavailable
from ingest.domain.job import FINAL_STATES, JobState
from serve.authorization import Tenant
from serve.dependencies import CurrentDependencies, Dependencies
from serve.problems import documented
from serve.query_parameters import StrictRoute
from serve.schemas import EventBody

router = APIRouter(tags=["jobs"], route_class=StrictRoute)
PAGE = 200
"""Most events of one query; a job has about ten, and more after retries."""
POLL_SECONDS = 0.2
"""Short enough that a person sees changes at once; the query is by an index."""
IDLE_POLL_SECONDS = 1.0
"""Seconds between two polls of a job that had no event for IDLE_AFTER_SECONDS."""
IDLE_AFTER_SECONDS = 30.0
HEARTBEAT_SECONDS = 15.0
"""Proxies close silent connections, often after 30 to 60 s."""
# X-Accel-Buffering stops nginx from collecting events before it sends them.
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_STREAM = {"content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/EventBody"}}}}


@router.get(
    "/v1/jobs/{job_id:uuid}/events",
    summary="Follow a job live",
    response_class=StreamingResponse,
    responses={
        200: {"description": "One event for each change; the id is the event_id"} | _STREAM,
        204: {"description": "The job has ended, and there are no more events"},
        **documented(401, 403, 404, 422, 503),
    },
)
async def follow_job(
    job_id: UUID,
    gateway: CurrentDependencies,
    tenant: Tenant,
    last_event_id: Annotated[
        str | None,
        Header(description="Start after this event; browsers send the header by themselves."),
    ] = None,
) -> Response:
    """Send the job's past events, then new ones as they happen, until the job ends."""
    after = _event_id(last_event_id)
    job = await gateway.jobs.get(job_id, tenant)
    if job is None:
        raise NotFound("there is no such job")
    events = await gateway.events.list_after(job_id, tenant, after=after, limit=PAGE)
    if not events and job.state in FINAL_STATES:
        return Response(status_code=204)
    stream = _EventStream(gateway, job_id, tenant, after, job.state)
    return StreamingResponse(
        stream.stream(events), media_type="text/event-stream", headers=_HEADERS
    )


def _event_id(text: str | None) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63):
        raise InvalidRequest(
            "Last-Event-ID must be an id from this stream; leave it out to get all events"
        )
    return int(text)


@dataclass(slots=True)
class _EventStream:
    gateway: Dependencies
    job_id: UUID
    tenant: UUID
    after: int
    """Id of the last event that was sent."""
    state: JobState
    """State of the job after that event."""

    async def stream(self, events: Sequence[Event]) -> AsyncIterator[str]:
        """Yield the text of the event stream, beginning with these events."""
        moved_at = spoke_at = time.monotonic()
        while True:
            for event in events:
                self.after, self.state = event.event_id, JobState(event.state)
                yield _text(event)
            if events:
                moved_at = spoke_at = time.monotonic()
            if len(events) < PAGE:
                if self.state in FINAL_STATES:
                    return
                idle = time.monotonic() - moved_at > IDLE_AFTER_SECONDS
                await asyncio.sleep(IDLE_POLL_SECONDS if idle else POLL_SECONDS)
            if time.monotonic() - spoke_at >= HEARTBEAT_SECONDS:
                yield ": still here\n\n"
                spoke_at = time.monotonic()
                if await self._is_over():
                    return
            events = await self._read_events()

    async def _read_events(self) -> Sequence[Event]:
        try:
            return await self.gateway.events.list_after(
                self.job_id, self.tenant, after=self.after, limit=PAGE
            )
        except StoreUnavailable:
            return []  # keep the connection: the next poll may succeed

    async def _is_over(self) -> bool:
        """Whether no more events can come although the final event was not seen.

        The job was deleted, or the client asked for events after an id that does not exist.
        """
        try:
            job = await self.gateway.jobs.get(self.job_id, self.tenant)
        except StoreUnavailable:
            return False
        return job is None or (job.state in FINAL_STATES and not await self._read_events())


def _text(event: Event) -> str:
    return f"id: {event.event_id}\ndata: {EventBody.of(event).model_dump_json()}\n\n"
