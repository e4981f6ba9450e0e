"""Runs an upload, from its first byte to the end of the last job."""

import asyncio

from ingest.cli.client.connect import BATCH_PATIENCE_SECONDS, connect
from ingest.cli.client.gateway_client import GatewayClient
from ingest.cli.client.poll_jobs import JobPoller
from ingest.cli.exit_codes import CommandError, Refused, Unreachable, WrongUsage, first_failure
from ingest.cli.uploads.counters import UploadCounters
from ingest.cli.uploads.progress import shown
from ingest.cli.uploads.select_files import Candidate, Selection
from ingest.cli.uploads.summary import name_some
from ingest.cli.uploads.upload_file import AcceptedUpload, Rejection
from ingest.cli.uploads.upload_files import upload_files
from ingest.cli.uploads.upload_options import UploadOptions
from ingest.domain.errors import IngestError


class Transfer:
    """Uploads a selection and polls its jobs, with progress on standard error."""

    def __init__(self, selection: Selection, options: UploadOptions, *, wait: bool) -> None:
        """Plan a transfer.

        Args:
            selection: The files to upload.
            options: Concurrency, and whether files may replace others.
            wait: Whether to poll the jobs until they end.

        Raises:
            WrongUsage: there is nothing to upload.
        """
        if not selection.files:
            reasons = "; ".join(name_some(selection.skipped))
            raise WrongUsage(
                f"there is nothing to upload ({reasons or 'no files'}); name other files or folders"
            )
        self.selection = selection
        self._options = options
        self.wait = wait
        self.counters = UploadCounters(selection)

    async def run(self, url: str | None, key: str | None) -> None:
        """Upload the files, and wait for their jobs if ``wait`` is set.

        Raises:
            Unreachable: the gateway does not answer, or did not for too long.
            Refused: the gateway accepts no upload with this key.
        """
        connections = self._options.concurrency + 1
        async with connect(url, key, connections=connections) as impatient:
            await impatient.readiness()
        async with (
            connect(url, key, patience=BATCH_PATIENCE_SECONDS, connections=connections) as gateway,
            shown(self.counters, jobs=self.wait),
        ):
            await self._run(gateway)

    async def _run(self, gateway: GatewayClient) -> None:
        poller = JobPoller(gateway, self.counters.job_ended, self.counters.jobs_paused)
        listener = _TransferListener(self.counters, poller if self.wait else None)
        try:
            with first_failure():
                async with asyncio.TaskGroup() as group:
                    if self.wait:
                        group.create_task(poller.run())
                    await upload_files(gateway, self.selection.files, self._options, listener)
                    self.counters.uploaded()
                    poller.complete()
        except (IngestError, CommandError) as failure:
            raise _resumable(failure) from None


class _TransferListener:
    def __init__(self, counters: UploadCounters, poller: JobPoller | None) -> None:
        self._counters = counters
        self._poller = poller

    def sent(self, count: int) -> None:
        self._counters.sent(count)

    def ended(self, file: Candidate, outcome: AcceptedUpload | Rejection) -> None:
        is_new_job = (
            isinstance(outcome, AcceptedUpload) and outcome.job_id not in self._counters.jobs
        )
        self._counters.file_ended(file, outcome)
        if self._poller is not None and isinstance(outcome, AcceptedUpload) and is_new_job:
            self._poller.add(outcome.job_id)


def _resumable(error: Exception) -> Exception:
    if isinstance(error, Unreachable):
        return Unreachable(f"{error.message}; run the same command again to resume")
    if isinstance(error, Refused) and not error.bars_everything:
        return Refused(
            f"{error.message}; run the same command again to resume",
            status=error.status,
            problem=error.problem,
        )
    return error
