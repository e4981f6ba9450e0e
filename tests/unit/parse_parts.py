"""A parse stage whose parser and records a test directs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from ingest.app.pipeline.messages import ParsedJob
from ingest.app.pipeline.parse import ParseStage
from ingest.domain import identity
from ingest.domain.attempt import ParsedRecord
from ingest.domain.document import MediaType, Page, ParsedDocument
from ingest.domain.errors import IngestError
from ingest.domain.job import ClaimedJob, Lane
from ingest.domain.pricing import Operation, Payer
from tests.unit.stage_parts import LEASE, TENANT, Blobs, Ends

LINGER = timedelta(milliseconds=50)
Parse = Callable[[bytes], Awaitable[str]]


async def decode(data: bytes) -> str:
    return data.decode()


class Parser:
    """A ParsesForPayer: reads bytes as text, by a function of the test's."""

    label = "test/1"

    def __init__(self, read: Parse = decode) -> None:
        self.read = read
        self.parsed: list[bytes] = []

    async def parse(
        self,
        data: bytes,
        *,
        filename: str,
        media_type: MediaType,
        payer: Payer,
    ) -> ParsedDocument:
        assert payer == Payer(TENANT, Lane.INTERACTIVE, Operation.PARSE)
        self.parsed.append(data)
        text = await self.read(data)
        return ParsedDocument(text, (Page(1, 0, len(text)),), (), self.label)


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


class Setting:
    """A stage with its ports."""

    def __init__(self, *contents: bytes, read: Parse = decode, at_once: int = 4) -> None:
        self.blobs = Blobs(*contents)
        self.elsewhere = Elsewhere(self.blobs)
        self.parser = Parser(read)
        self.texts = Texts()
        self.ends = Ends()
        self.at_once = at_once

    def stage(self) -> ParseStage:
        return ParseStage(
            self.parser,
            self.blobs,
            fetcher=self.elsewhere,
            texts=self.texts,
            failed_attempts=self.ends.failed_attempts(),
            lease=LEASE,
            at_once=self.at_once,
            linger=LINGER,
        )

    async def run(self, *jobs: ClaimedJob) -> list[list[ParsedJob]]:
        return [group async for group in self.stage().run(jobs)]
