"""What travels from stage to stage: parsed documents, then batches of chunks."""

from dataclasses import dataclass
from uuid import UUID

from ingest.domain.attempt import DocumentChunks
from ingest.domain.chunk import Chunk
from ingest.domain.document import ParsedDocument
from ingest.domain.job import ClaimedJob, Lane


@dataclass(frozen=True, slots=True)
class ParsedJob:
    """A job whose text is stored."""

    job: ClaimedJob
    parsed_key: str
    parsed: ParsedDocument | None
    """None when it is too long to travel; the next stage reads it from storage."""


@dataclass(frozen=True, slots=True)
class SpaceKey:
    """What the jobs of a batch have in common: who pays, in which lane, for which vectors."""

    tenant_id: UUID
    lane: Lane
    served_in: str | None
    """Label of the vector space that serves the tenant; None: the settings'."""
    embeds_by_fallback: bool

    @classmethod
    def of(cls, job: ClaimedJob) -> "SpaceKey":
        """Of one job."""
        return cls(job.tenant_id, job.lane, job.served_in, job.embeds_by_fallback)


@dataclass(frozen=True, slots=True)
class Batch:
    """Chunks of one or many documents, all of one ``SpaceKey``, that are embedded by one call."""

    jobs: tuple[ClaimedJob, ...]
    documents: tuple[DocumentChunks, ...]
    """One for each job, in the same order."""

    def __post_init__(self) -> None:
        """Refuse what one call may not embed: it has one payer and one model.

        Raises:
            ValueError: the jobs differ in tenant, lane or vector space, or in number from the
                documents.
        """
        if len(self.jobs) != len(self.documents):
            raise ValueError(f"{len(self.jobs)} jobs with {len(self.documents)} documents")
        if len(keys := {SpaceKey.of(job) for job in self.jobs}) > 1:
            raise ValueError(f"a batch holds jobs of {len(keys)} tenants, lanes or vector spaces")

    @property
    def key(self) -> SpaceKey:
        """What its jobs have in common; a batch without jobs has none."""
        return SpaceKey.of(self.jobs[0])

    @property
    def chunks(self) -> list[Chunk]:
        """All chunks, in order."""
        return [chunk for document in self.documents for chunk in document.chunks]

    def of(self, index: int) -> "Batch":
        """What belongs to one job."""
        return Batch((self.jobs[index],), (self.documents[index],))

    def without(self, job_ids: frozenset[UUID]) -> "Batch":
        """What belongs to other jobs than these."""
        kept = [
            (job, document)
            for job, document in zip(self.jobs, self.documents, strict=True)
            if job.lease.job_id not in job_ids
        ]
        return Batch(tuple(job for job, _ in kept), tuple(document for _, document in kept))

    def part(self, start: int, end: int) -> "Batch":
        """The chunks from one place to another; documents without any go with the first part."""
        jobs: list[ClaimedJob] = []
        documents: list[DocumentChunks] = []
        place = 0
        for job, document in zip(self.jobs, self.documents, strict=True):
            size = len(document.chunks)
            cut = document.chunks[max(0, start - place) : max(0, end - place)]
            if cut or (not size and start == 0):
                jobs.append(job)
                documents.append(DocumentChunks(document.target, cut))
            place += size
        return Batch(tuple(jobs), tuple(documents))
