"""What stages meet in tests: claimed jobs, and ports written by hand that keep what they get."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from ingest.app.queue.end_attempt import FailedAttempts
from ingest.domain import identity
from ingest.domain.attempt import Settlement
from ingest.domain.errors import IngestError, NotFound
from ingest.domain.job import Cause, ClaimedJob, Degraded, JobState, Lane, Lease
from ingest.domain.retry import RetryPolicy
from ingest.domain.stage import Stage

LEASE = timedelta(minutes=1)
TENANT = UUID("11111111-1111-4111-8111-111111111111")


def a_job(
    content: bytes = b"text",
    *,
    media_type: str = "text/plain",
    parsed_key: str | None = None,
    raw_key: str | None = "",
    attempt: int = 1,
    cause: Cause = Cause.UPLOAD,
    degraded: Iterable[Degraded] = (),
) -> ClaimedJob:
    return ClaimedJob(
        lease=Lease(uuid4(), uuid4()),
        document_id=uuid4(),
        tenant_id=TENANT,
        lane=Lane.INTERACTIVE,
        generation=1,
        stage=Stage.QUEUED if parsed_key is None else Stage.PARSED,
        attempt=attempt,
        name="external:note",
        filename="note.txt",
        media_type=media_type,
        bytes_len=len(content),
        raw_key=identity.raw_key(TENANT, identity.sha256_hex(content))
        if raw_key == ""
        else raw_key,
        parsed_key=parsed_key,
        correlation_id="test",
        cause=cause,
        degraded=frozenset(degraded),
    )


class Ends:
    """A SettlesJobs that keeps how attempts ended."""

    def __init__(self, *, fails: Exception | None = None, held: bool = True) -> None:
        self.settlements: dict[UUID, Settlement] = {}
        self._fails = fails
        self._held = held

    async def settle(self, lease: Lease, settlement: Settlement) -> bool:
        if self._fails is not None:
            raise self._fails
        assert lease.job_id not in self.settlements, "settled twice"
        self.settlements[lease.job_id] = settlement
        return self._held

    def failed_attempts(self) -> FailedAttempts:
        return FailedAttempts(self, RetryPolicy(max_attempts=3))

    def of(self, job: ClaimedJob) -> tuple[type[IngestError], JobState]:
        settlement = self.settlements[job.lease.job_id]
        return type(settlement.error), settlement.state


class Blobs:
    """A BlobStore in memory."""

    def __init__(self, *contents: bytes) -> None:
        self.kept = {
            identity.raw_key(TENANT, hashlib.sha256(content).hexdigest()): content
            for content in contents
        }
        self.reads: list[str] = []
        self.fails: Exception | None = None

    async def get(self, key: str) -> bytes:
        self.reads.append(key)
        if self.fails is not None:
            raise self.fails
        if key not in self.kept:
            raise NotFound("there is no such blob")
        return self.kept[key]

    async def put(self, key: str, data: bytes) -> None:
        if self.fails is not None:
            raise self.fails
        self.kept[key] = data

    async def put_stream(self, key: str, parts: AsyncIterator[bytes]) -> None:
        self.kept[key] = b"".join([part async for part in parts])

    async def rename(self, source: str, target: str) -> None:
        self.kept[target] = self.kept.pop(source)

    async def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    async def exists(self, key: str) -> bool:
        return key in self.kept


def ids(jobs: Sequence[ClaimedJob]) -> set[UUID]:
    return {job.lease.job_id for job in jobs}
