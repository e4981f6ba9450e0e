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
from ingest.domain.parse_warning import WarningCode
from ingest.domain.pause import Pause, PauseKind
from ingest.domain.stage import Stage

MAX_BATCH_JOBS = 500


class ResponseBody(BaseModel):
    """Base of all response bodies."""

    model_config = ConfigDict(from_attributes=True)


class RequestBody(BaseModel):
    """Base of all request bodies; an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


class WarningBody(ResponseBody):
    """A part of a document that was not read, or not for sure."""

    code: str = Field(
        description="What happened, e.g. "
        + ", ".join(WarningCode)
        + "; a newer version may have more codes."
    )
    message: str = Field(description="One sentence that names the place.")


WarningCount = Annotated[
    int, Field(description="Number of warnings about the newest text; 0 before it is parsed.")
]
Warnings = Annotated[
    list[WarningBody],
    Field(description="The warnings; in lists the first ten, and all of them when one is read."),
]


class DocumentBody(ResponseBody):
    """A document."""

    document_id: UUID
    external_id: str | None = Field(
        description="The client's own name of the document; null when it gave none."
    )
    filename: str
    media_type: str
    bytes_len: int
    file_sha256: str | None = Field(
        description="Digest of the file; null until a backfill has fetched it."
    )
    parser: str | None
    page_count: int | None
    char_count: int | None
    generation: int = Field(description="Number of the newest accepted generation.")
    live_generation: int = Field(
        description="The generation that search finds; 0 before the first is published."
    )
    chunk_count: int = Field(description="Number of chunks in the live generation.")
    degraded: tuple[Degraded, ...] = Field(
        description="Parts that the local fallback made because a provider did not answer; they "
        "are "
        "made again later."
    )
    warning_count: WarningCount
    warnings: Warnings
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None

    @classmethod
    def of(cls, view: DocumentView) -> Self:
        """Build the body of a document."""
        external_id = identity.external_id(view.name)
        return cls.model_validate({"external_id": external_id} | _fields(view))


class DocumentPage(ResponseBody):
    """A page of documents, newest first."""

    documents: list[DocumentBody]
    next_cursor: str | None = Field(description="Cursor of the next page; null at the end.")


Context = Annotated[
    str | None,
    Field(
        description="What stands before the text when it is embedded, in lines: words of the file "
        "name, headings, and what the block says at its start (columns of a table, language of "
        "code, sentence before a list). null: a chunk from before version 2 of the splitter."
    ),
]


class ChunkBody(ResponseBody):
    """A published chunk."""

    chunk_id: UUID
    chunk_ord: int
    char_start: int
    char_end: int = Field(
        description="End of the chunk (exclusive), in characters of the document's text."
    )
    page: int | None
    heading_path: tuple[str, ...]
    token_count: int
    context: Context
    text: str
    embed_model: str
    embed_version: str

    @classmethod
    def of(cls, view: ChunkView) -> Self:
        """Build the body of a chunk."""
        return cls.model_validate(view)


class ChunkPage(ResponseBody):
    """A page of the chunks of a document's live generation, in order."""

    document_id: UUID
    live_generation: int
    chunks: list[ChunkBody]
    next_from: int | None = Field(description="Value of `from` for the next page; null at the end.")


class ErrorBody(ResponseBody):
    """The last error of a job."""

    code: str
    message: str
    stage: Stage | None = None


class Progress(ResponseBody):
    """The stored progress of a job."""

    chunks_stored: int
    chunks_total: int | None = Field(
        description="Number of chunks; null until the document is chunked."
    )


class PauseBody(ResponseBody):
    """A pause of an operator."""

    kind: PauseKind
    subject: str | None = Field(
        description="The caller's tenant, the lane or the provider; null when everything is paused."
    )

    @classmethod
    def of(cls, pause: Pause) -> Self:
        """Build the body of a pause."""
        return cls(kind=pause.kind, subject=pause.subject or None)


class WaitingFor(ResponseBody):
    """The reason why an unfinished job waits."""

    reason: Literal["queue", "no_worker", "retry", "worker"] | WaitReason
    jobs_ahead: int | None = Field(
        None,
        description="Jobs of the same tenant and lane that come first, counted up to 500. Only "
        "when one job is asked for.",
    )
    until: datetime | None = Field(
        None, description="End of the lease, of the wait, or of the delay before a retry."
    )
    worker_id: UUID | None = Field(None, description="The worker that holds the lease.")
    paused_by: list[str] = Field(
        [], description="Kinds of the pauses that stop it: everything, tenant, lane or provider."
    )
    pauses: list[PauseBody] = Field(
        [], description="The same pauses with their subjects, as 'ingest resume' needs them."
    )
    short_of_quota: list[str] = Field(
        [],
        description="While a worker has the job: providers with calls that wait for quota now; "
        "the job's own call may be one of them. Only when one job is read.",
    )
    eta_seconds: float | None = Field(
        None,
        description="Estimated seconds until the job is done, from the speed of the last minutes; "
        "null without an estimate. Only when one job is read.",
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
    attempt: int = Field(description="Number of the present or the last attempt, from 1.")
    replay_count: int = Field(description="Number of replays from the dead letter.")
    progress: Progress
    waiting_for: WaitingFor | None = Field(
        description="The reason for waiting; null when the job has ended."
    )
    last_error: ErrorBody | None
    skipped_chunks: list[SkippedChunk] = Field(
        description="Chunks that are missing from a searchable document."
    )
    correlation_id: str
    cause: Cause
    degraded: tuple[Degraded, ...] = Field(
        description="Parts that the local fallback makes because a provider does not answer."
    )
    warning_count: WarningCount
    warnings: Warnings
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, view: JobView, *, waiting_for: WaitingFor | None) -> Self:
        """Build the body of a job."""
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
    """A page of jobs, newest first."""

    jobs: list[JobBody]
    next_cursor: str | None = Field(description="Cursor of the next page; null at the end.")


class JobBatchRequest(RequestBody):
    """The ids of the jobs to read."""

    job_ids: list[UUID] = Field(min_length=1, max_length=MAX_BATCH_JOBS)


class JobBatch(ResponseBody):
    """The jobs of a batch request, in any order."""

    jobs: list[JobBody] = Field(description="The jobs; unknown ids are left out.")


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
        """Build the body of an event."""
        return cls.model_validate(event)


def _check_text(text: str) -> str:
    if not text.strip():
        raise ValueError("must hold more than white space")
    if any(0xD800 <= ord(char) <= 0xDFFF or char == "\0" for char in text):
        raise ValueError("must not hold lone surrogates or NUL")
    return text


def _as_whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, Field(strict=True), BeforeValidator(_as_whole)]
"""A whole number as JSON Schema has it: 10.0 is one, "10" and true are not."""
Text = Annotated[str, AfterValidator(_check_text), Field(json_schema_extra={"pattern": r"\S"})]
"""A text that the database accepts and that is not blank."""


def _fields(view: DocumentView | JobView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in view.__slots__}
