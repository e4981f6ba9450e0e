"""What stages need to end an attempt."""

from typing import Protocol

from ingest.domain.errors import IngestError
from ingest.domain.job import ClaimedJob
from ingest.domain.stage import Stage


class SettlesFailures(Protocol):
    """Ends failed attempts; the error's class decides how."""

    async def fail_job(self, job: ClaimedJob, error: IngestError, *, stage: Stage) -> None:
        """End the attempt of a job; never raises for the sake of one job."""
        ...
