"""Handing one document over to a provider that parses: once, whatever gets lost on the way."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from ingest.domain.errors import LeaseLost
from ingest.domain.money import CallState, Charge
from ingest.domain.provider import CallFailed, Outcome, ProviderKey, Report
from ingest.domain.remote_parse import ParseJob, ParseOrder, SourceFile
from ingest.lifecycle.provider_calls import Answer
from ingest.ports.parses import KeepsParses
from ingest.ports.providers import Ledger, ParseService, ProviderKeys

_SKEW = timedelta(minutes=5)
"""Between the database's clock and the provider's."""


@dataclass(frozen=True, slots=True)
class Handover:
    """A parse's name at its provider, and the call that led to it."""

    provider_job_id: str
    call_id: UUID
    fingerprint: str


class HandoverTrial:
    """The tries to hand one document over: none is repeated before the last is known to be lost."""

    def __init__(
        self,
        service: ParseService,
        parses: KeepsParses,
        ledger: Ledger,
        keys: ProviderKeys,
        *,
        job: ParseJob,
        file: SourceFile,
        order: ParseOrder,
        token: str,
    ) -> None:
        """Begin, or go on where somebody else was cut short.

        Args:
            service: Who parses.
            parses: Where it is noted which call is about to be made.
            ledger: Where calls are booked.
            keys: The provider's keys.
            job: The parse as it is recorded, with the last call that was noted.
            file: The document.
            order: What is asked for.
            token: The one with which the parse was begun.
        """
        self._service = service
        self._parses = parses
        self._ledger = ledger
        self._keys = keys
        self._job = job
        self._file = file
        self._order = order
        self._token = token
        self._call_id = job.call_id
        self._fingerprint = job.key_fingerprint

    @property
    def uncertain(self) -> bool:
        """Whether the provider may have the document without our knowing its name for it."""
        return self._call_id is not None

    async def send(self, key: ProviderKey, call_id: UUID) -> Answer[Handover]:
        """Hand over, unless an earlier try turns out to have done so.

        Raises:
            CallFailed: it was refused, or the answer got lost; with LeaseLost when somebody else
                hands the document over by now.
        """
        if self._call_id is not None:
            earlier = self._key(key)
            try:
                found = await self._service.find(
                    self._order, since=self._job.submitted_at - _SKEW, key=earlier
                )
            except CallFailed as exc:
                raise exc.released() from exc
            if found is not None:
                handover = Handover(found, self._call_id, earlier.fingerprint)
                return Answer(handover, Charge(), Report(Outcome.ANSWERED), CallState.RELEASED)
            lost = Charge(error_code="not_submitted")
            await self._ledger.end(self._call_id, CallState.RELEASED, lost)
        parse_job_id = self._order.parse_job_id
        if not await self._parses.sending(parse_job_id, self._token, call_id, key.fingerprint):
            raise CallFailed(
                LeaseLost("the document is handed over by another worker"),
                Report(Outcome.UNUSED),
                state=CallState.RELEASED,
                charge=Charge(error_code="handover_lost"),
            )
        self._call_id, self._fingerprint = call_id, key.fingerprint
        try:
            name = await self._service.submit(self._file, self._order, key=key)
        except CallFailed as exc:
            if exc.state is CallState.RELEASED:
                self._call_id = None
            raise
        handover = Handover(name, call_id, key.fingerprint)
        return Answer(handover, Charge(), Report(Outcome.ANSWERED), CallState.RESERVED)

    def _key(self, key: ProviderKey) -> ProviderKey:
        """The key of the earlier try, if it is still there."""
        known = {known.fingerprint: known for known in self._keys.current()}
        return known.get(self._fingerprint or "", key)
