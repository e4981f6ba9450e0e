"""Parses that are over at their provider: found, checked, stored, and their jobs woken."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import structlog

from ingest.app.providers.submit_once import key_of
from ingest.domain import identity
from ingest.domain.errors import (
    DocumentEmpty,
    DocumentRejected,
    IngestError,
    ProviderUnavailable,
    StoreUnavailable,
    of_code,
)
from ingest.domain.parse_quality import check_parse, refuse_empty
from ingest.domain.pricing import CREDIT, CallState, Charge, Price, unit_price
from ingest.domain.provider import CallFailed, ProviderKey
from ingest.domain.provider_specs import parsers
from ingest.domain.remote_parse import (
    ParseJob,
    ParserLabel,
    RemoteParseState,
    RemoteStatus,
    RemoteText,
)
from ingest.ports import BlobStore
from ingest.ports.providers import ParseService

if TYPE_CHECKING:
    from ingest.adapters.auth.provider_keys import Keys
    from ingest.adapters.postgres.providers.parse_store import ParseStore


log = structlog.get_logger(module=__name__)
BATCH = 100
"""Parses that are asked about by one request."""
_AT_ONCE = 4
"""Texts that are fetched, and held in memory, at the same time."""
_MISSING = ProviderUnavailable("the provider does not have the parse any more")


class ParsePoller:
    """Asks for parses that were reported, and for those that nobody reported in time."""

    def __init__(
        self,
        service: ParseService,
        *,
        keys: "Keys",
        parses: "ParseStore",
        blobs: BlobStore,
        prices: Sequence[Price],
        poll: timedelta,
    ) -> None:
        """Begin; a parse that nobody reports is asked for every ``poll``."""
        self._service = service
        self._keys = keys
        self._parses = parses
        self._blobs = blobs
        self._prices = prices
        self._poll = poll
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def collect(self) -> int:
        """Poll once; returns how many parses ended.

        Raises:
            StoreUnavailable: the rest is done by the next look.
        """
        await self._parses.wake(await self._parses.abandoned())
        due = await self._parses.due(limit=BATCH, poll=self._poll)
        by_key: dict[str, list[ParseJob]] = defaultdict(list)
        for job in due:
            by_key[job.key_fingerprint or ""].append(job)
        ended = [await self._ask(fingerprint, jobs) for fingerprint, jobs in by_key.items()]
        return sum(ended)

    async def close(self) -> None:
        """Release connections."""
        await self._service.close()

    async def _ask(self, fingerprint: str, jobs: Sequence[ParseJob]) -> int:
        key = key_of(self._keys, fingerprint)
        if key is None:
            log.error("no key for parses", fingerprint=fingerprint, parses=len(jobs))
            return 0
        names = [job.provider_job_id or "" for job in jobs]
        try:
            statuses = await self._service.statuses(names, key=key)
        except CallFailed as exc:
            log.warning("parses not asked for", parses=len(jobs), code=exc.error.code)
            return 0
        ended = await asyncio.gather(
            *(
                self._look_at(job, statuses[name], key)
                for job, name in zip(jobs, names, strict=True)
            )
        )
        over = [job.parse_job_id for job, is_over in zip(jobs, ended, strict=True) if is_over]
        await self._parses.wake(over)
        return len(over)

    async def _look_at(self, job: ParseJob, status: RemoteStatus, key: ProviderKey) -> bool:
        """End a parse that is over; true when it is."""
        if status.state is RemoteParseState.COMPLETED:
            return await self._fetch_safely(job, status, key)
        if status.state is RemoteParseState.RUNNING and not job.overdue:
            return False
        if status.state is RemoteParseState.RUNNING:
            await self._give_up(job, key)
        elif status.state is RemoteParseState.FAILED:
            error = of_code(status.error_code or "", status.error_message)
            await self._fail(job, error, CallState.RELEASED, Charge(error_code=error.code))
        elif status.state is RemoteParseState.CANCELLED:
            cancelled = ProviderUnavailable("the parse was cancelled at the provider")
            await self._fail(job, cancelled, CallState.RELEASED, Charge(error_code="cancelled"))
        else:
            await self._fail(job, _MISSING, CallState.UNKNOWN, Charge(error_code="missing"))
        return True

    async def _give_up(self, job: ParseJob, key: ProviderKey) -> None:
        try:
            stopped = await self._service.cancel(job.provider_job_id or "", key=key)
        except CallFailed:
            stopped = False
        late = ProviderUnavailable(f"the parse was not over by its deadline, {job.deadline}")
        state = CallState.RELEASED if stopped else CallState.UNKNOWN
        await self._fail(job, late, state, Charge(error_code="deadline"))

    async def _fetch_safely(self, job: ParseJob, status: RemoteStatus, key: ProviderKey) -> bool:
        """Fetch a parse; one that cannot be stored now is due again, and holds up no other."""
        try:
            async with self._room:
                return await self._fetch(job, status, key)
        except StoreUnavailable as exc:
            log.warning("parse not stored", parse_job_id=job.parse_job_id, reason=exc.message)
            return False

    async def _fetch(self, job: ParseJob, status: RemoteStatus, key: ProviderKey) -> bool:
        charge = self._charge(job, status.credits, None)
        try:
            text = await self._text(job, key)
            told = status.credits if text.credits is None else text.credits
            charge = self._charge(job, told, text)
            check_parse(
                text.parsed,
                job.source,
                failed_pages=text.failed_pages,
                longest_page_bytes=text.longest_page_bytes,
            )
        except DocumentRejected as exc:
            await self._fail(job, exc, CallState.SETTLED, charge)
            return True
        except CallFailed as exc:
            log.warning("parse not fetched", parse_job_id=job.parse_job_id, code=exc.error.code)
            return False
        encoded = text.parsed.to_bytes()
        digest = identity.sha256_hex(encoded)
        stored = identity.parsed_key(job.tenant_id, digest)
        await self._blobs.put(stored, encoded)
        done = await self._parses.complete(
            job, text, charge, key=stored, digest=digest, text_is_there=self._blobs.exists
        )
        if not done:
            await self._parses.discard_text(job.tenant_id, stored, remove_blob=self._blobs.delete)
        log.info("parse collected", parse_job_id=job.parse_job_id, pages=len(text.parsed.pages))
        return True

    async def _text(self, job: ParseJob, key: ProviderKey) -> RemoteText:
        try:
            return await self._service.fetch(job.provider_job_id or "", parser=job.parser, key=key)
        except DocumentEmpty:
            refuse_empty(job.source)
            raise

    async def _fail(
        self, job: ParseJob, error: IngestError, state: CallState, charge: Charge
    ) -> None:
        await self._parses.fail(job, error, state, charge)
        log.warning("parse failed", parse_job_id=job.parse_job_id, code=error.code)

    def _charge(self, job: ParseJob, credits_used: int | None, text: RemoteText | None) -> Charge:
        """What the provider says it charged; until it does, its price for this many pages."""
        pages = len(text.parsed.pages) if text is not None else None
        if credits_used is None and pages is not None:
            by = ParserLabel.parse(job.parser)
            by_tier = parsers()[self._service.provider].credits_per_page
            credits_used = pages * by_tier.get(by.tier, 0) if by else 0
        today = datetime.now(UTC).date()
        price = unit_price(self._prices, self._service.provider, CREDIT, today)
        usd: Decimal | None = None if credits_used is None else credits_used * price
        return Charge(units=credits_used, pages=pages, usd=usd, request_id=job.provider_job_id)
