"""From uploaded bytes to stored text: job_validated, parsing, parsed, parse_validated."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from ingest.app.pipeline.messages import ParsedJob
from ingest.app.pipeline.metrics import UNMEASURED, Measures
from ingest.app.queue.end_attempt import FailedAttempts
from ingest.domain import identity
from ingest.domain.attempt import ParsedRecord, Target
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import (
    DocumentUnreadable,
    IngestError,
    NotFound,
    StoreUnavailable,
    Unexpected,
)
from ingest.domain.job import ClaimedJob
from ingest.domain.media_type import MediaType
from ingest.domain.parse_quality import check_text
from ingest.domain.pricing import Operation, Payer
from ingest.domain.stage import Stage
from ingest.ports import BlobStore, ParsesForPayer, RecordsTexts

log = structlog.get_logger(module=__name__)
TRAVEL_CHARS = 256 * 1024
"""Longest text that goes to the next stage with its job; bounds what is under way in memory."""


class FetchesBytes(Protocol):
    """Brings in what was registered by where it is."""

    async def fetch(self, job: ClaimedJob) -> ClaimedJob:
        """The job with the bytes of its document; raises what ends the attempt."""
        ...


class ParseStage:
    """Parses the documents of a claim, each on its own, and records them together."""

    def __init__(
        self,
        parser: ParsesForPayer,
        blobs: BlobStore,
        *,
        fallback_parser: ParsesForPayer | None = None,
        fetcher: FetchesBytes,
        texts: RecordsTexts,
        failed_attempts: FailedAttempts,
        lease: timedelta,
        measures: Measures = UNMEASURED,
        at_once: int = 4,
        linger: timedelta = timedelta(milliseconds=250),
    ) -> None:
        """Begin.

        Args:
            parser: Reads the documents.
            blobs: Holds their bytes and their texts.
            fallback_parser: Reads those of jobs that do without the parsing provider.
            fetcher: Brings in the bytes that are not there yet.
            texts: Where finished ones are recorded.
            failed_attempts: Where failed ones end.
            lease: Length of a lease from each sign of progress on.
            measures: Told how long each document took.
            at_once: Documents in memory at the same time, over all calls.
            linger: How long a finished document may wait for others of its claim, so that
                they go on together; a slow one delays the rest by no more than this.
        """
        self._parser = parser
        self._fallback_parser = fallback_parser or parser
        self._blobs = blobs
        self._fetcher = fetcher
        self._texts = texts
        self._failed_attempts = failed_attempts
        self._lease = lease
        self._linger = linger.total_seconds()
        self._measures = measures
        self._room = asyncio.Semaphore(at_once)

    async def run(self, jobs: Sequence[ClaimedJob]) -> AsyncIterator[list[ParsedJob]]:
        """Parse jobs and yield them in groups, each stored and recorded before it is yielded.

        Failed documents are settled and left out; so are those whose lease was lost.
        """
        pending = {asyncio.create_task(self._parse(job)) for job in jobs}
        try:
            while pending:
                finished, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                if pending:
                    more, pending = await asyncio.wait(pending, timeout=self._linger)
                    finished |= more
                results = [result for task in finished if (result := task.result()) is not None]
                if results and (group := await self._record(results)):
                    yield group
        finally:
            for task in pending:
                task.cancel()

    async def _parse(self, job: ClaimedJob) -> tuple[ParsedJob, ParsedRecord] | None:
        try:
            if job.raw_key is None:
                job = await self._fetch(job)
            async with self._room:
                started = time.monotonic()
                parsed, key, digest = await self._text_of(job)
                self._measures.took(Stage.PARSING, time.monotonic() - started)
        except IngestError as exc:
            await self._failed_attempts.fail_job(job, exc, stage=Stage.PARSING)
            return None
        except Exception as exc:
            log.exception("parse failed unexpectedly", job_id=job.lease.job_id)
            error = Unexpected(f"parsing failed unexpectedly ({type(exc).__name__})")
            await self._failed_attempts.fail_job(job, error, stage=Stage.PARSING)
            return None
        record = ParsedRecord(
            target=Target.of(job),
            parsed_key=key,
            parsed_sha256=digest,
            parser=parsed.parser,
            page_count=len(parsed.pages) or None,
            char_count=len(parsed.text),
            warnings=parsed.warnings,
        )
        travels = parsed if len(parsed.text) <= TRAVEL_CHARS else None
        return ParsedJob(job, key, travels), record

    async def _fetch(self, job: ClaimedJob) -> ClaimedJob:
        started = time.monotonic()
        fetched = await self._fetcher.fetch(job)
        self._measures.took(Stage.JOB_VALIDATED, time.monotonic() - started)
        return fetched

    async def _text_of(self, job: ClaimedJob) -> tuple[ParsedDocument, str, str]:
        if job.parsed_key is not None:
            try:
                encoded = await self._blobs.get(job.parsed_key)
                parsed = ParsedDocument.from_bytes(encoded)
                return parsed, job.parsed_key, identity.sha256_hex(encoded)
            except (NotFound, DocumentUnreadable) as exc:
                # It went with another document of the same text; the uploaded bytes are there.
                log.warning("stored text is lost", job_id=job.lease.job_id, code=exc.code)
        return await self._parse_bytes(job)

    async def _parse_bytes(self, job: ClaimedJob) -> tuple[ParsedDocument, str, str]:
        if job.raw_key is None:
            raise Unexpected("the bytes of the document were not fetched")
        data = await self._blobs.get(job.raw_key)
        if identity.sha256_hex(data) != identity.blob_digest(job.raw_key):
            raise StoreUnavailable("the stored bytes do not match their digest")
        parser = self._fallback_parser if job.parses_by_fallback else self._parser
        parsed = await parser.parse(
            data,
            filename=job.filename,
            media_type=MediaType(job.media_type),
            payer=Payer(job.tenant_id, job.lane, Operation.PARSE),
        )
        check_text(parsed)
        encoded = parsed.to_bytes()
        digest = identity.sha256_hex(encoded)
        key = identity.parsed_key(job.tenant_id, digest)
        await self._blobs.put(key, encoded)
        # Here, because a text that is read again was counted before.
        self._measures.warned(parsed.warnings)
        return parsed, key, digest

    async def _record(self, results: Sequence[tuple[ParsedJob, ParsedRecord]]) -> list[ParsedJob]:
        try:
            held = await self._texts.record_parsed(
                [record for _, record in results],
                lease=self._lease,
                text_is_there=self._blobs.exists,
            )
        except StoreUnavailable as exc:
            for parsed_job, _ in results:
                await self._failed_attempts.fail_job(parsed_job.job, exc, stage=Stage.PARSED)
            return []
        except Exception as exc:
            log.exception("record failed unexpectedly", jobs=len(results))
            if len(results) > 1:
                return [parsed for result in results for parsed in await self._record([result])]
            error = Unexpected(f"recording failed unexpectedly ({type(exc).__name__})")
            await self._failed_attempts.fail_job(results[0][0].job, error, stage=Stage.PARSED)
            return []
        for parsed_job, record in results:
            if parsed_job.job.lease.job_id not in held:
                await self._discard(record)
        return [parsed for parsed, _ in results if parsed.job.lease.job_id in held]

    async def _discard(self, record: ParsedRecord) -> None:
        """A document that was deleted while it was parsed leaves no text behind."""
        try:
            await self._texts.discard_text(record, remove_blob=self._blobs.delete)
        except StoreUnavailable as exc:
            log.warning("text not discarded", key=record.parsed_key, code=exc.code)
