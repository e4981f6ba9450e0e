"""Where texts wait for a provider batch, and what it takes to have one embedded."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from ingest.domain.attempt import DocumentChunks
from ingest.domain.batch_api import Deferred, ProviderBatch, RemoteBatch, TextResult
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import IngestError
from ingest.domain.pricing import CallState, Charge
from ingest.domain.provider import ProviderKey

Page = Sequence[tuple[bytes, str]]
"""Texts, each after its digest."""


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
        """The name of a batch that may have been handed over before.

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
        """Ask for the end of a batch; what is done by then has results.

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


class DefersTexts(Protocol):
    """Where jobs leave the texts of which they have no vector, and wait."""

    async def defer(
        self, documents: Sequence[DocumentChunks], model: EmbeddingModel, *, at_most: timedelta
    ) -> Deferred:
        """Put texts into a provider batch, and let their jobs wait for it, all in one step.

        Args:
            documents: Of one tenant, with the chunks that have no vector in this space.
            model: The space.
            at_most: How long their jobs wait.

        Raises:
            StoreUnavailable: nothing was written.
        """
        ...

    async def refusals(
        self, tenant_id: UUID, model: EmbeddingModel, digests: Sequence[bytes]
    ) -> Mapping[bytes, IngestError]:
        """Why the provider refused texts, by their digests; of others nothing.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        ...


class SubmitsBatches(Protocol):
    """Where batches are found that are to be handed over."""

    async def take(
        self, *, quiet: timedelta, submission: timedelta, queue_tokens: int
    ) -> ProviderBatch | None:
        """One to hand over within ``submission``, if there is one; nobody else gets it by then.

        Args:
            quiet: A batch that took no text for so long takes no more.
            submission: How long the caller may take.
            queue_tokens: Most tokens of a model that may be at the provider at a time.
        """
        ...

    def texts(self, batch_id: UUID) -> AsyncIterator[Page]:
        """What is in a batch, in the order of the digests."""
        ...

    async def sending(self, batch: ProviderBatch, call_id: UUID, fingerprint: str) -> bool:
        """Note, before anything is sent, which call it is; False when it is another's by now."""
        ...

    async def submitted(
        self,
        batch: ProviderBatch,
        call_id: UUID,
        fingerprint: str,
        remote_id: str,
        *,
        poll: timedelta,
        deadline: timedelta,
    ) -> None:
        """Note the provider's name for it; its reservation lasts past its deadline."""
        ...

    async def put_back(
        self, batch: ProviderBatch, error: IngestError, *, delay: timedelta, uncertain: bool
    ) -> None:
        """It could not be handed over: again after ``delay``.

        ``uncertain``: the provider may have it nevertheless, by the call that was noted.
        """
        ...


class CollectsBatches(Protocol):
    """Where batches are found that may be over, and their results are kept."""

    async def due(self, *, limit: int, poll: timedelta) -> list[ProviderBatch]:
        """Batches to ask for now; nobody else gets them until ``poll`` has passed."""
        ...

    async def save(self, batch: ProviderBatch, results: Sequence[TextResult]) -> None:
        """Keep vectors and errors; saving again changes nothing."""
        ...

    async def collected(
        self, batch: ProviderBatch, error: IngestError, state: CallState, charge: Charge
    ) -> None:
        """It is over: texts without a result have this error; its call ends with it."""
        ...

    async def again(self, batch: ProviderBatch, error: IngestError, *, delay: timedelta) -> None:
        """The provider did nothing, and will later: its call is released."""
        ...

    async def wake(self, *, limit: int) -> int:
        """Return to the queue jobs whose batch is over; returns how many."""
        ...

    async def sweep(self, *, limit: int) -> int:
        """Remove texts and vectors that no job needs any more; returns how many."""
        ...
