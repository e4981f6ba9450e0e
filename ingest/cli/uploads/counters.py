"""Counts the files, bytes and jobs of an upload."""

import time
from collections import deque

from ingest.cli.output import Json
from ingest.cli.uploads.select_files import Candidate, Selection
from ingest.cli.uploads.upload_file import AcceptedUpload, Rejection, Replacement, Warned

_WINDOW_SECONDS = 15.0


class TransferRate:
    """Measures the speed over the last seconds."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, float]] = deque([(time.monotonic(), 0.0)])

    def mark(self, amount: float) -> None:
        """Note the amount that is complete now."""
        now = time.monotonic()
        self._marks.append((now, amount))
        while now - self._marks[0][0] > _WINDOW_SECONDS and len(self._marks) > 2:
            self._marks.popleft()

    @property
    def per_second(self) -> float:
        """The amount per second; 0 when nothing was completed."""
        (first, before), (last, amount) = self._marks[0], self._marks[-1]
        return (amount - before) / (last - first) if last > first else 0.0

    def seconds_for(self, amount: float) -> float | None:
        """Seconds that an amount takes at this speed; None when the speed is 0."""
        speed = self.per_second
        return amount / speed if speed > 0 else None


class UploadCounters:
    """Counts files and their jobs by how they ended."""

    def __init__(self, selection: Selection) -> None:
        self.files = len(selection.files)
        self.bytes_len = selection.bytes_len
        self.sent_bytes = 0
        self.created = 0
        self.known = 0
        self.replaced: list[Replacement] = []
        self.rejected: list[Rejection] = []
        self.jobs: dict[str, str] = {}
        """File of each job id."""
        self.documents: set[str] = set()
        self.done = 0
        self.failed: list[Rejection] = []
        """Accepted files whose job failed."""
        self.warned: list[Warned] = []
        self.paused = 0
        """Jobs that an operator's pause stops, as of the last poll."""
        self.pauses: list[Json] = []
        """The pauses that stop those jobs."""
        self.started = time.monotonic()
        self.uploaded_seconds: float | None = None
        """Duration of the uploads; None before they end."""

    @property
    def ended(self) -> int:
        """Number of files that were accepted or rejected."""
        return self.created + self.known + len(self.rejected)

    @property
    def jobs_ended(self) -> int:
        """Number of jobs that ended, with success or not."""
        return self.done + len(self.failed)

    @property
    def jobs_expected(self) -> int:
        """Number of jobs to expect; rejected and known files have none."""
        return len(self.jobs) + self.files - self.ended

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def sent(self, count: int) -> None:
        """Count sent bytes; a negative number takes back those that are sent again."""
        self.sent_bytes += count

    def uploaded(self) -> None:
        """Note that every file was accepted or rejected."""
        self.uploaded_seconds = self.seconds

    def file_ended(self, file: Candidate, outcome: AcceptedUpload | Rejection) -> None:
        """Count a file that was accepted or rejected."""
        if isinstance(outcome, Rejection):
            self.rejected.append(outcome)
            return
        self.created += outcome.created
        self.known += not outcome.created
        if outcome.replaces is not None:
            self.replaced.append(outcome.replaces)
        self.jobs.setdefault(outcome.job_id, str(file.path))
        self.documents.add(outcome.document_id)

    def job_ended(self, job_id: str, job: Json | None) -> None:
        """Count a job that ended; ``job`` is None when its document was deleted."""
        if job is not None and job["state"] == "done":
            self.done += 1
            # A gateway of an older version does not tell of warnings.
            if count := job.get("warning_count"):
                file, document_id = self.jobs[job_id], job["document_id"]
                self.warned.append(Warned(file, document_id, job_id, count, job["warnings"]))
            return
        error = (job or {}).get("last_error") or {}
        code = error.get("code") or ("gone" if job is None else job["state"])
        detail = error.get("message") or ("the document was deleted" if job is None else "")
        self.failed.append(Rejection(self.jobs[job_id], code, detail, job_id))

    def jobs_paused(self, count: int, pauses: list[Json]) -> None:
        """Set the number of paused jobs, and their pauses."""
        self.paused, self.pauses = count, pauses
