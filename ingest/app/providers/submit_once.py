"""Submitting something to a provider that works on its own time: once, whatever gets lost."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from ingest.app.providers.calls import Answer, ProviderCalls
from ingest.domain.errors import LeaseLost
from ingest.domain.pricing import CallState, Charge
from ingest.domain.provider import CallFailed, Outcome, ProviderKey, Report

if TYPE_CHECKING:
    from ingest.adapters.auth.provider_keys import Keys


SKEW = timedelta(minutes=5)
"""Between the database's clock and the provider's."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The provider's name for what it has, and the call that led to it."""

    remote_id: str
    call_id: UUID
    fingerprint: str


@dataclass(frozen=True, slots=True)
class SubmissionSteps:
    """How one thing is submitted; each may raise CallFailed, but for ``sending``."""

    find: Callable[[ProviderKey], Awaitable[str | None]]
    """The provider's name for it, should an earlier try have got there."""
    sending: Callable[[UUID, str], Awaitable[bool]]
    """Note call and key, before anything is sent; False when it is another's by now."""
    submit: Callable[[ProviderKey, UUID], Awaitable[str]]
    """Submit it; returns the provider's name for it."""


class SubmitOnce:
    """The tries to submit one thing: none is repeated before the last is known to be lost."""

    def __init__(
        self,
        steps: SubmissionSteps,
        calls: ProviderCalls,
        *,
        call_id: UUID | None,
        fingerprint: str | None,
    ) -> None:
        """Begin, or go on where somebody else was cut short.

        Args:
            steps: What is submitted, and how.
            calls: To the provider; names its keys, and where calls are booked.
            call_id: The last call that was noted, if there was one.
            fingerprint: Of its key.
        """
        self._steps = steps
        self._calls = calls
        self._call_id = call_id
        self._fingerprint = fingerprint

    @property
    def uncertain(self) -> bool:
        """Whether the provider may have it without our knowing its name for it."""
        return self._call_id is not None

    async def send(self, key: ProviderKey, call_id: UUID) -> Answer[Submission]:
        """Submit, unless an earlier try turns out to have done so.

        Raises:
            CallFailed: it was refused, or the answer got lost; with LeaseLost when somebody else
                submits it now.
        """
        if self._call_id is not None:
            earlier = key_of(self._calls.keys, self._fingerprint, otherwise=key) or key
            try:
                found = await self._steps.find(earlier)
            except CallFailed as exc:
                raise exc.released() from exc
            if found is not None:
                submission = Submission(found, self._call_id, earlier.fingerprint)
                return Answer(submission, Charge(), Report(Outcome.ANSWERED), CallState.RELEASED)
            lost = Charge(error_code="not_submitted")
            await self._calls.ledger.end(self._call_id, CallState.RELEASED, lost)
        if not await self._steps.sending(call_id, key.fingerprint):
            raise CallFailed(
                LeaseLost("it is submitted by another worker"),
                Report(Outcome.UNUSED),
                state=CallState.RELEASED,
                charge=Charge(error_code="submission_lost"),
            )
        self._call_id, self._fingerprint = call_id, key.fingerprint
        try:
            name = await self._steps.submit(key, call_id)
        except CallFailed as exc:
            if exc.state is CallState.RELEASED:
                self._call_id = None
            raise
        submission = Submission(name, call_id, key.fingerprint)
        return Answer(submission, Charge(), Report(Outcome.ANSWERED), CallState.RESERVED)


def key_of(
    keys: "Keys", fingerprint: str | None, *, otherwise: ProviderKey | None = None
) -> ProviderKey | None:
    """The key that something was submitted with; after a rotation, another of the account.

    ``otherwise`` goes before any other: it was let in just now.
    """
    known = {key.fingerprint: key for key in keys.current()}
    return known.get(fingerprint or "") or otherwise or next(iter(known.values()), None)
