"""A parse stage whose parser and records a test directs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from ingest.app.pipeline.messages import ParsedJob
from ingest.app.pipeline.metrics import Unmeasured
from ingest.app.pipeline.parse import ParseStage
from ingest.domain import identity
from ingest.domain.attempt import ParsedRecord
from ingest.domain.errors import IngestError
from ingest.domain.job import ClaimedJob, Lane
from ingest.domain.parse_warning import ParseWarning
from ingest.domain.pricing import Operation, Payer
from tests.fakes import FakeParser, Parse, decode
from tests.unit.stage_fixtures import LEASE, TENANT, Blobs, Ends

LINGER = timedelta(milliseconds=50)


class Texts:
    """A RecordsTexts that keeps records."""

    def __init__(self) -> None:
        self.calls: list[list[ParsedRecord]] = []
        self.lost: set[UUID] = set()
        self.refuse: Callable[[ParsedRecord], Exception | None] = lambda _: None

    async def record_parsed(
        self,
        records: Sequence[ParsedRecord],
        *,
        lease: timedelta,
        text_is_there: Callable[[str], Awaitable[bool]],
    ) -> set[UUID]:
        assert lease == LEASE
        assert all([await text_is_there(record.parsed_key) for record in records])
        for record in records:
            if error := self.refuse(record):
                raise error
        self.calls.append(list(records))
        return {record.target.lease.job_id for record in records} - self.lost

    async def discard_text(
        self, record: ParsedRecord, *, remove_blob: Callable[[str], Awaitable[None]]
    ) -> None:
        assert record.target.lease.job_id in self.lost


class CountedWarnings(Unmeasured):
    """Measures that keep the warnings of each document that was parsed."""

    def __init__(self) -> None:
        self.documents: list[Sequence[ParseWarning]] = []

    def warned(self, warnings: Sequence[ParseWarning]) -> None:
        self.documents.append(warnings)


class Elsewhere:
    """A FetchesBytes that keeps which jobs it was asked for."""

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs
        self.fetched: list[UUID] = []
        self.contents: dict[UUID, bytes | IngestError] = {}

    async def fetch(self, job: ClaimedJob) -> ClaimedJob:
        self.fetched.append(job.document_id)
        content = self.contents[job.document_id]
        if isinstance(content, IngestError):
            raise content
        key = identity.raw_key(TENANT, identity.sha256_hex(content))
        self.blobs.kept[key] = content
        return replace(job, raw_key=key)


class ParseFixture:
    """A stage with its ports."""

    def __init__(self, *contents: bytes, read: Parse = decode, at_once: int = 4) -> None:
        self.blobs = Blobs(*contents)
        self.elsewhere = Elsewhere(self.blobs)
        self.parser = FakeParser(read)
        self.texts = Texts()
        self.ends = Ends()
        self.measures = CountedWarnings()
        self.at_once = at_once

    def stage(self) -> ParseStage:
        return ParseStage(
            self.parser,
            self.blobs,
            fetcher=self.elsewhere,
            texts=self.texts,
            failed_attempts=self.ends.failed_attempts(),
            lease=LEASE,
            measures=self.measures,
            at_once=self.at_once,
            linger=LINGER,
        )

    async def run(self, *jobs: ClaimedJob) -> list[list[ParsedJob]]:
        groups = [group async for group in self.stage().run(jobs)]
        assert self.parser.payers <= {Payer(TENANT, Lane.INTERACTIVE, Operation.PARSE)}
        return groups
