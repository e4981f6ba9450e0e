"""An upload from its first byte to the last job's end."""

import asyncio

from ingest.cli.connecting import BATCH_PATIENCE_SECONDS, open_gateway
from ingest.cli.failures import Refused, Unreachable, WrongUsage, first_failure
from ingest.cli.following import Follower
from ingest.cli.gateway import Gateway
from ingest.cli.progress import shown
from ingest.cli.selection import Candidate, Selection
from ingest.cli.summary import name_some
from ingest.cli.tally import Tally
from ingest.cli.uploading import Manner, Rejection, Taken, upload_files
from ingest.domain.errors import IngestError


class Transfer:
    """Uploads a selection and follows its jobs, with progress on standard error."""

    def __init__(self, selection: Selection, manner: Manner, *, wait: bool) -> None:
        """Plan a transfer.

        Args:
            selection: What to upload.
            manner: How.
            wait: Follow the jobs to their end.

        Raises:
            WrongUsage: there is nothing to upload.
        """
        if not selection.files:
            reasons = "; ".join(name_some(selection.skipped))
            raise WrongUsage(f"there is nothing to upload ({reasons or 'no files'})")
        self.selection = selection
        self._manner = manner
        self.wait = wait
        self.tally = Tally(selection)

    async def run(self, url: str | None, key: str | None) -> None:
        """Upload, and wait if that was asked for.

        Raises:
            Unreachable: the gateway is not there, or went away for too long.
            Refused: it takes nothing from us.
        """
        connections = self._manner.concurrency + 1
        async with open_gateway(url, key, connections=connections) as impatient:
            await impatient.readiness()
        async with (
            open_gateway(
                url, key, patience=BATCH_PATIENCE_SECONDS, connections=connections
            ) as gateway,
            shown(self.tally, jobs=self.wait),
        ):
            await self._run(gateway)

    async def _run(self, gateway: Gateway) -> None:
        follower = Follower(gateway, self.tally.job_ended, self.tally.jobs_paused)
        listener = _Listener(self.tally, follower if self.wait else None)
        try:
            with first_failure():
                async with asyncio.TaskGroup() as group:
                    if self.wait:
                        group.create_task(follower.run())
                    await upload_files(gateway, self.selection.files, self._manner, listener)
                    self.tally.uploaded()
                    follower.complete()
        except IngestError as failure:
            raise _resumable(failure) from None


class _Listener:
    def __init__(self, tally: Tally, follower: Follower | None) -> None:
        self._tally = tally
        self._follower = follower

    def sent(self, count: int) -> None:
        self._tally.sent(count)

    def ended(self, file: Candidate, outcome: Taken | Rejection) -> None:
        is_new_job = isinstance(outcome, Taken) and outcome.job_id not in self._tally.jobs
        self._tally.file_ended(file, outcome)
        if self._follower is not None and isinstance(outcome, Taken) and is_new_job:
            self._follower.add(outcome.job_id)


def _resumable(error: Exception) -> Exception:
    if isinstance(error, Unreachable):
        return Unreachable(f"{error.message}; the same command goes on where this one stopped")
    if isinstance(error, Refused) and not error.bars_everything:
        return Refused(
            f"{error.message}; the same command goes on where this one stopped",
            status=error.status,
            problem=error.problem,
        )
    return error
