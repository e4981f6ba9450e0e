"""Request and response bodies of the API."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ingest.adapters.postgres.documents.document_store import DocumentView
from ingest.adapters.postgres.jobs.event_store import Event
from ingest.adapters.postgres.jobs.job_store import JobView
from ingest.adapters.postgres.search.search_store import ChunkView
from ingest.domain import identity
from ingest.domain.job import FINAL_STATES, Cause, Degraded, JobState, Lane, WaitReason
from ingest.domain.pause import Pause, PauseKind
from ingest.domain.stage import Stage

MAX_BATCH_JOBS = 500


class ResponseBody(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(from_attributes=True)


class RequestBody(BaseModel):
    """Part of a request; an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


class DocumentBody(ResponseBody):
    """A document."""

    document_id: UUID
    external_id: str | None = Field(description="The client's own name, when it gave one.")
    filename: str
    media_type: str
    bytes_len: int
    file_sha256: str | None = Field(
        description="Null until a backfill that listed the document has fetched it."
    )
    parser: str | None
    page_count: int | None
    char_count: int | None
    generation: int = Field(description="The newest accepted generation.")
    live_generation: int = Field(description="The generation that search sees; 0 before the first.")
    chunk_count: int = Field(description="Chunks of the live generation.")
    degraded: tuple[Degraded, ...] = Field(
        description="Parts that were made locally because their provider did not answer; they are "
        "made again later."
    )
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None

    @classmethod
    def of(cls, view: DocumentView) -> Self:
        """The body of a document."""
        external_id = identity.external_id(view.name)
        return cls.model_validate({"external_id": external_id} | _fields(view))


class DocumentPage(ResponseBody):
    """Documents, newest first."""

    documents: list[DocumentBody]
    next_cursor: str | None = Field(description="The next page's cursor; null at the end.")


class ChunkBody(ResponseBody):
    """A published chunk."""

    chunk_id: UUID
    chunk_ord: int
    char_start: int
    char_end: int = Field(description="Half-open, in characters of the document's text.")
    page: int | None
    heading_path: tuple[str, ...]
    token_count: int
    text: str
    embed_model: str
    embed_version: str

    @classmethod
    def of(cls, view: ChunkView) -> Self:
        """The body of a chunk."""
        return cls.model_validate(view)


class ChunkPage(ResponseBody):
    """Chunks of a document's live generation, in order."""

    document_id: UUID
    live_generation: int
    chunks: list[ChunkBody]
    next_from: int | None = Field(description="The next page's from; null at the end.")


class ErrorBody(ResponseBody):
    """The last thing that went wrong with a job."""

    code: str
    message: str
    stage: Stage | None = None


class Progress(ResponseBody):
    """How much of a job is durable."""

    chunks_stored: int
    chunks_total: int | None = Field(description="Known once the document is cut.")


class PauseBody(ResponseBody):
    """What an operator has stopped for a while."""

    kind: PauseKind
    subject: str | None = Field(
        description="The caller's own tenant, the lane or the provider; null for everything."
    )

    @classmethod
    def of(cls, pause: Pause) -> Self:
        """The body of a pause."""
        return cls(kind=pause.kind, subject=pause.subject or None)


class WaitingFor(ResponseBody):
    """What an unfinished job needs next."""

    reason: Literal["queue", "no_worker", "retry", "worker"] | WaitReason
    jobs_ahead: int | None = Field(
        None,
        description="Jobs of the same tenant and lane that come first, counted up to 1,000. Only "
        "when one job is asked for.",
    )
    until: datetime | None = Field(
        None, description="End of the lease, of the wait, or of the pause before a retry."
    )
    worker_id: UUID | None = Field(None, description="Who holds the lease.")
    paused_by: list[str] = Field(
        [], description="Pauses that stop it: everything, tenant, a lane or a provider."
    )
    pauses: list[PauseBody] = Field(
        [], description="The same pauses, each with what it is about: what resume has to name."
    )
    short_of_quota: list[str] = Field(
        [],
        description="While a worker has the job: providers with calls that wait for quota now; "
        "the job's own call may be one. Only when one job is asked for.",
    )
    eta_seconds: float | None = Field(
        None,
        description="Estimated seconds until the job is done, from the speed of the last minutes; "
        "null when there is no estimate. Only when one job is asked for.",
    )


class SkippedChunk(ResponseBody):
    """A chunk that its provider refused; the document is searchable without it."""

    chunk_ord: int
    char_start: int
    char_end: int
    code: str
    message: str


class JobBody(ResponseBody):
    """A job."""

    job_id: UUID
    document_id: UUID
    generation: int
    filename: str
    media_type: str
    bytes_len: int
    lane: Lane
    stage: Stage
    state: JobState
    attempt: int = Field(description="1-based number of the present or the last attempt.")
    replay_count: int = Field(description="How often it was replayed from the dead letter.")
    progress: Progress
    waiting_for: WaitingFor | None = Field(description="Null once the job has ended.")
    last_error: ErrorBody | None
    skipped_chunks: list[SkippedChunk] = Field(
        description="Chunks that are missing from a searchable document; empty when none is."
    )
    correlation_id: str
    cause: Cause
    degraded: tuple[Degraded, ...] = Field(
        description="Parts that are made locally because their provider does not answer."
    )
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, view: JobView, *, waiting_for: WaitingFor | None) -> Self:
        """The body of a job."""
        failed_for_good = view.state is JobState.DEADLETTER
        return cls.model_validate(
            _fields(view)
            | {
                "attempt": max(1, view.attempt_count + (not failed_for_good)),
                "progress": Progress.model_validate(view),
                "waiting_for": None if view.state in FINAL_STATES else waiting_for,
                "last_error": view.last_error,
                "skipped_chunks": view.skipped_chunks or [],
            }
        )


class JobPage(ResponseBody):
    """Jobs, newest first."""

    jobs: list[JobBody]
    next_cursor: str | None = Field(description="The next page's cursor; null at the end.")


class JobBatchRequest(RequestBody):
    """Which jobs to look up."""

    job_ids: list[UUID] = Field(min_length=1, max_length=MAX_BATCH_JOBS)


class JobBatch(ResponseBody):
    """Jobs, in no order."""

    jobs: list[JobBody] = Field(description="Ids that are unknown are left out.")


class EventBody(ResponseBody):
    """One change of a job; the data of a server-sent event."""

    event_id: int
    at: datetime
    from_stage: Stage | None
    stage: Stage
    from_state: JobState | None
    state: JobState
    attempt: int
    error: ErrorBody | None

    @classmethod
    def of(cls, event: Event) -> Self:
        """The body of an event."""
        return cls.model_validate(event)


def _check_text(text: str) -> str:
    if not text.strip():
        raise ValueError("there is nothing but white space")
    if any(0xD800 <= ord(char) <= 0xDFFF or char == "\0" for char in text):
        raise ValueError("lone surrogates and NUL are not text")
    return text


def _as_whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, Field(strict=True), BeforeValidator(_as_whole)]
"""A whole number as JSON Schema has it: 10.0 is one, "10" and true are not."""
Text = Annotated[str, AfterValidator(_check_text), Field(json_schema_extra={"pattern": r"\S"})]
"""A text that the database takes and that says something."""


def _fields(view: DocumentView | JobView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in view.__slots__}
