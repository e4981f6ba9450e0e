"""Where parses are recorded that a provider works on."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from ingest.domain.errors import IngestError
from ingest.domain.pricing import CallState, Charge
from ingest.domain.remote_parse import ParseJob, ParseWish, RemoteText


class KeepsParses(Protocol):
    """Where parses at a provider are recorded while they are handed over."""

    async def begin(
        self, request: ParseWish, *, token: str, deadline: timedelta, submission: timedelta
    ) -> tuple[ParseJob, bool]:
        """The parse that is wanted, and whether it is the caller's to hand over.

        Args:
            request: Which parse.
            token: The unguessable word in its webhook's address, should it be the caller's.
            deadline: When it is given up, should it be new.
            submission: How long the caller may take to hand it over before it is another's.
        """
        ...

    async def sending(
        self, parse_job_id: UUID, token: str, call_id: UUID, fingerprint: str
    ) -> bool:
        """Note, before anything is sent, which call it is.

        Args:
            parse_job_id: The parse.
            token: The one it was begun with.
            call_id: In the ledger.
            fingerprint: Of the key.

        Returns:
            False when the parse is another's by now: nothing may be sent.
        """
        ...

    async def submitted(
        self,
        parse_job_id: UUID,
        call_id: UUID,
        fingerprint: str,
        provider_job_id: str,
        *,
        poll: timedelta,
        grace: timedelta,
    ) -> None:
        """Note the provider's name for the parse; its reservation lasts past its deadline."""
        ...

    async def drop(self, parse_job_id: UUID, token: str) -> None:
        """Forget a parse that could not be handed over, and let whoever waits for it try.

        One that is another's by now, begun with another token, stays.
        """
        ...

    async def forget(self, parse_job_id: UUID) -> None:
        """Forget how a parse ended, so that it can be begun anew."""
        ...


class EndsParses(Protocol):
    """Where parses at a provider are found when they are due, and ended."""

    async def due(self, *, limit: int, poll: timedelta) -> list[ParseJob]:
        """Parses to ask for now; nobody else gets them until ``poll`` has passed."""
        ...

    async def abandoned(self) -> list[UUID]:
        """Parses that somebody began to hand over and did not."""
        ...

    async def complete(
        self,
        job: ParseJob,
        text: RemoteText,
        charge: Charge,
        *,
        key: str,
        digest: str,
        text_is_there: Callable[[str], Awaitable[bool]],
    ) -> bool:
        """A parse is over, its text stored; its call is settled with it.

        ``text_is_there`` is asked last, when no document can take the text with it.

        Returns:
            False when it was over or forgotten already; then nothing was written.

        Raises:
            StoreUnavailable: nothing was written; the parse is due again.
        """
        ...

    async def discard_text(
        self, tenant_id: UUID, key: str, *, remove_blob: Callable[[str], Awaitable[None]]
    ) -> None:
        """Remove the text of a parse that was forgotten, if nothing else has it.

        Raises:
            StoreUnavailable: the text stays.
        """
        ...

    async def fail(
        self, job: ParseJob, error: IngestError, state: CallState, charge: Charge
    ) -> None:
        """A parse is over without a text that can be used; its call ends with it."""
        ...

    async def wake(self, parse_job_ids: Sequence[UUID]) -> int:
        """Return to the queue the jobs that wait for these parses."""
        ...
