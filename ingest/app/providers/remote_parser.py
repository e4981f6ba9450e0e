"""The ParsesForPayer port over a provider that parses on its own time."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import structlog

from ingest.app.providers.calls import ProviderCalls, Quote
from ingest.app.providers.preflight import Preflight, PreflightResult
from ingest.app.providers.submit_once import SKEW, SubmissionSteps, SubmitOnce
from ingest.domain import identity
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import (
    DocumentUnreadable,
    IngestError,
    LeaseLost,
    NotFound,
    ParseInvalid,
    ParseUnderway,
    ProviderUnavailable,
    of_code,
)
from ingest.domain.media_type import MediaType
from ingest.domain.pricing import CREDIT, Payer, Price, unit_price
from ingest.domain.provider_specs import parsers
from ingest.domain.remote_parse import (
    ParseJob,
    ParseOrder,
    ParserLabel,
    ParseStatus,
    ParseWish,
    SourceFile,
)
from ingest.ports import BlobStore, Parser
from ingest.ports.providers import ParseService

if TYPE_CHECKING:
    from ingest.adapters.postgres.providers.parse_store import ParseStore


log = structlog.get_logger(module=__name__)
SUBMISSION_TIME = timedelta(minutes=3)
"""Longest time to submit a document; after it, whoever did so must be dead."""
GRACE = timedelta(minutes=10)
"""After the deadline; when it ends, the parse was given up for certain."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms documents are submitted."""

    provider: str
    tiers: Sequence[str]
    """To try one after the other, should a parse not be usable."""
    version: str
    """Of the tiers, with whatever else decides about the text."""
    only_scanned: bool
    """Submit only what has no readable text of its own."""
    deadline: timedelta
    poll: timedelta
    webhook_url: str | None
    """Address under which the parse's word is appended; None when there are no webhooks."""

    def label(self, tier: str) -> str:
        """Of what a tier gives."""
        return ParserLabel(self.provider, tier, self.version).label

    def describe(self, local: str) -> str:
        """The parser as a whole, whose local part has this label."""
        label = self.label(self.tiers[0])
        return f"auto({local}, {label})" if self.only_scanned else label


class RemoteParser:
    """Looks at documents here, and has them parsed elsewhere, each content once."""

    def __init__(
        self,
        local: Parser,
        service: ParseService,
        calls: ProviderCalls,
        *,
        parses: "ParseStore",
        blobs: BlobStore,
        prices: Sequence[Price],
        terms: Terms,
    ) -> None:
        """Begin; ``terms`` say what is submitted, and when it is given up.

        Raises:
            ConfigurationError: the price of a credit is not known.
        """
        self._local = local
        self.preflight = Preflight(local, service.reads, only_scanned=terms.only_scanned)
        self._service = service
        self._calls = calls
        self._parses = parses
        self._blobs = blobs
        self._prices = prices
        self._terms = terms
        self._price()

    async def parse(
        self, data: bytes, *, filename: str, media_type: MediaType, payer: Payer
    ) -> ParsedDocument:
        """See the port.

        What is broken, encrypted or too long is refused here, before it costs anything.
        """
        seen = await self.preflight.check(data, filename, media_type)
        if seen.text is not None and not seen.reason:
            return seen.text
        return await self.by_provider(SourceFile(data, filename, media_type), seen, payer)

    async def by_provider(
        self, file: SourceFile, seen: PreflightResult, payer: Payer
    ) -> ParsedDocument:
        """The text that the provider makes of a document, tier after tier.

        Raises:
            IngestError: as ``parse``.
        """
        *first, last = self._terms.tiers
        try:
            for tier in first:
                try:
                    return await self._by(tier, file, seen, payer)
                except ParseInvalid as exc:
                    log.info("parse escalated", tier=tier, reason=exc.message)
            return await self._by(last, file, seen, payer)
        except ParseUnderway:
            log.info("parse is at the provider", reason=seen.reason)
            raise

    async def close(self) -> None:
        """Stop the local parser and release connections."""
        await self._local.close()
        await self._service.close()

    async def _by(
        self, tier: str, file: SourceFile, seen: PreflightResult, payer: Payer
    ) -> ParsedDocument:
        """The text that a tier gives.

        Raises:
            ParseUnderway: there is none yet.
            IngestError: how the parse failed.
        """
        digest = identity.sha256_hex(file.data)
        request = ParseWish(payer.tenant_id, digest, self._terms.label(tier), seen.source)
        token = secrets.token_urlsafe(24)
        job, mine = await self._parses.begin(
            request, token=token, deadline=self._terms.deadline, submission=SUBMISSION_TIME
        )
        if mine:
            await self._submit(
                job, file, token, payer, tier=tier, most_pages=seen.source.most_pages
            )
        elif job.status is ParseStatus.COMPLETED:
            return await self._stored(job)
        elif job.status is ParseStatus.FAILED:
            error = of_code(job.error_code or "", job.error_message or "")
            if error.retryable:
                await self._parses.forget(job.parse_job_id)
            raise error
        wait = max(job.deadline - datetime.now(UTC), timedelta()) + GRACE
        raise ParseUnderway(
            f"{self._service.provider} is parsing the document",
            retry_after=wait,
            parse_job_id=job.parse_job_id,
        )

    async def _stored(self, job: ParseJob) -> ParsedDocument:
        try:
            return ParsedDocument.from_bytes(await self._blobs.get(job.parsed_key or ""))
        except (NotFound, DocumentUnreadable) as exc:
            await self._parses.forget(job.parse_job_id)
            raise ProviderUnavailable("the stored parse is lost, and is made again") from exc

    async def _submit(
        self,
        job: ParseJob,
        file: SourceFile,
        token: str,
        payer: Payer,
        *,
        tier: str,
        most_pages: int,
    ) -> None:
        units = most_pages * parsers()[self._service.provider].credits_per_page[tier]
        quote = Quote(tier, units, units * self._price())
        url = f"{self._terms.webhook_url}/{token}" if self._terms.webhook_url else None
        order = ParseOrder(job.parse_job_id, tier, url, most_pages)
        steps = SubmissionSteps(
            find=lambda key: self._service.find(order, since=job.submitted_at - SKEW, key=key),
            sending=partial(self._parses.sending, job.parse_job_id, token),
            submit=lambda key, _: self._service.submit(file, order, key=key),
        )
        trial = SubmitOnce(
            steps,
            self._calls,
            call_id=job.call_id,
            fingerprint=job.key_fingerprint,
        )
        try:
            done = await self._calls.make(trial.send, quote, payer)
        except LeaseLost:
            return  # whoever took it over goes on
        except IngestError:
            if not trial.uncertain:
                await self._parses.drop(job.parse_job_id, token)
            raise
        await self._parses.submitted(
            job.parse_job_id,
            done.call_id,
            done.fingerprint,
            done.remote_id,
            poll=self._terms.poll,
            grace=GRACE,
        )

    def _price(self) -> Decimal:
        today = datetime.now(UTC).date()
        return unit_price(self._prices, self._service.provider, CREDIT, today)


class FallbackParser:
    """What stands in for ``RemoteParser`` while the provider is away.

    Reads every document that has a text of its own. One that only the provider can read, such as a
    picture of a page, is submitted nevertheless, and waits for it.
    """

    def __init__(self, remote: RemoteParser) -> None:
        self._remote = remote

    async def parse(
        self, data: bytes, *, filename: str, media_type: MediaType, payer: Payer
    ) -> ParsedDocument:
        """See the port."""
        seen = await self._remote.preflight.check(data, filename, media_type)
        if seen.text is not None:
            return seen.text
        return await self._remote.by_provider(SourceFile(data, filename, media_type), seen, payer)
