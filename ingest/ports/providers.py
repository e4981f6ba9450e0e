"""What it takes to call a provider: its endpoint, permission, and money.

The three services are what a further provider has to implement.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ingest.domain.batch_api import Page, ProviderBatch, RemoteBatch, TextResult
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.media_type import MediaType
from ingest.domain.pricing import CallState, Charge, Reservation
from ingest.domain.provider import (
    EmbedAnswer,
    KeyHealth,
    Permit,
    PermitRequest,
    ProviderKey,
    Report,
)
from ingest.domain.remote_parse import ParseOrder, RemoteStatus, RemoteText, SourceFile


class EmbeddingService(Protocol):
    """One provider's endpoint: a call is a request, and nothing is repeated."""

    provider: str
    model: EmbeddingModel
    max_text_tokens: int
    """Most tokens of one text."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as the provider counts them."""
        ...

    async def call(self, texts: Sequence[str], *, key: ProviderKey, call_id: UUID) -> EmbedAnswer:
        """Embed texts by one request.

        Raises:
            CallFailed: it was refused, got lost, or came back unusable.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class ParseService(Protocol):
    """One provider that parses on its own time; nothing is repeated."""

    provider: str
    reads: frozenset[MediaType]

    async def submit(self, file: SourceFile, order: ParseOrder, *, key: ProviderKey) -> str:
        """Hand a document over; returns the provider's name for the parse.

        Raises:
            CallFailed: it was refused, or the answer got lost; RESERVED when the provider may be
                parsing nevertheless.
        """
        ...

    async def find(self, order: ParseOrder, *, since: datetime, key: ProviderKey) -> str | None:
        """The name of a parse that may have been submitted before.

        Raises:
            CallFailed: the provider did not say.
        """
        ...

    async def statuses(
        self, provider_job_ids: Sequence[str], *, key: ProviderKey
    ) -> dict[str, RemoteStatus]:
        """How far up to a hundred parses are, by one request.

        Raises:
            CallFailed: the provider did not say.
        """
        ...

    async def fetch(self, provider_job_id: str, *, parser: str, key: ProviderKey) -> RemoteText:
        """The text of a parse that is completed, under this label.

        Raises:
            DocumentRejected: there is no text, or too much.
            CallFailed: the provider did not give it.
        """
        ...

    async def cancel(self, provider_job_id: str, *, key: ProviderKey) -> bool:
        """Give a parse up; True when it will not be charged.

        Raises:
            CallFailed: the provider did not say.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class BatchService(Protocol):
    """A provider's endpoint for batches; nothing is repeated."""

    provider: str

    async def submit(
        self, batch: ProviderBatch, pages: AsyncIterator[Page], *, key: ProviderKey, call_id: UUID
    ) -> str:
        """Hand a batch over; returns the provider's name for it.

        Raises:
            CallFailed: it was refused, or the answer got lost; RESERVED when the provider may
                have it nevertheless.
        """
        ...

    async def find(self, batch_id: UUID, *, since: datetime, key: ProviderKey) -> str | None:
        """The name of a batch that may have been submitted before.

        Raises:
            CallFailed: the provider did not say.
        """
        ...

    async def poll(self, remote_id: str, *, key: ProviderKey) -> RemoteBatch:
        """How far a batch is.

        Raises:
            CallFailed: the provider did not say.
        """
        ...

    def results(
        self, remote: RemoteBatch, model: EmbeddingModel, *, key: ProviderKey
    ) -> AsyncIterator[list[TextResult]]:
        """What became of its texts, some hundred at a time.

        Raises:
            CallFailed: the provider did not give it all.
        """
        ...

    async def cancel(self, remote_id: str, *, key: ProviderKey) -> None:
        """Ask for the end of a batch; what is already done has results.

        Raises:
            CallFailed: the provider did not say.
        """
        ...

    async def tidy(self, remote: RemoteBatch, *, key: ProviderKey) -> None:
        """Remove its files at the provider, whose texts are nobody's business; never raises."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class RateLimiter(Protocol):
    """Shared by the whole cluster: lets calls to providers in, within their limits."""

    async def acquire(self, request: PermitRequest) -> Permit:
        """Wait for permission to make a call.

        Raises:
            ProviderPaused: no key may be used now.
            RateLimited: quota did not suffice within the caller's patience.
            RequestTooLarge: the call is over the limit of a whole minute.
        """
        ...

    async def release(self, permit: Permit, report: Report) -> None:
        """Say how a call ended that was let in; never raises."""
        ...

    async def health(self) -> list[KeyHealth]:
        """How every key is that was asked for; empty when nobody knows."""
        ...


class Ledger(Protocol):
    """Where calls and their cost are recorded."""

    async def reserve(self, reservation: Reservation) -> None:
        """Set money aside for a call.

        Raises:
            BudgetExhausted: a hard budget has no room.
            PausedByOperator: the provider is paused.
            StoreUnavailable: the database did not answer.
        """
        ...

    async def end(self, call_id: UUID, state: CallState, charge: Charge) -> None:
        """Say how a call ended; a call that has ended already stays as it is.

        Raises:
            StoreUnavailable: the reservation remains, and ends by itself.
        """
        ...
