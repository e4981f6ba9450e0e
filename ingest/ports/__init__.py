"""What the pipeline needs of the outside world, where there are several answers.

A port is written where two classes implement it or a test replaces it. Where there is one class,
the services of ``ingest.app`` name that class; see ADR 32.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ingest.domain.attempt import DocumentChunks, ParsedRecord, Settlement, StoredBatch, Target
from ingest.domain.chunk import Chunk, Passage
from ingest.domain.document import ParsedDocument
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.errors import IngestError
from ingest.domain.job import Lease
from ingest.domain.media_type import MediaType
from ingest.domain.pricing import Payer


class BlobStore(Protocol):
    """Bytes under keys; a key's bytes never change once written."""

    async def get(self, key: str) -> bytes:
        """Read a whole blob.

        Raises:
            NotFound: there is no such blob.
            StoreUnavailable: the storage did not answer, or refused.
        """
        ...

    async def put(self, key: str, data: bytes) -> None:
        """Write a blob at once; overwriting it with equal bytes is success.

        Raises:
            StoreUnavailable: the storage did not answer, or refused.
        """
        ...

    async def put_stream(self, key: str, parts: AsyncIterator[bytes]) -> None:
        """Write a blob as it arrives, holding a bounded number of bytes in memory.

        When ``parts`` raises, nothing remains under the key and the error goes on.

        Raises:
            StoreUnavailable: the storage did not answer, or refused.
        """
        ...

    async def rename(self, source: str, target: str) -> None:
        """Move a blob to another key, replacing what is there."""
        ...

    async def delete(self, key: str) -> None:
        """Remove a blob; a missing one is success."""
        ...

    async def exists(self, key: str) -> bool:
        """True when the blob is there; refusals and failures raise StoreUnavailable."""
        ...


class Parser(Protocol):
    """Bytes of a file in, text with landmarks out."""

    @property
    def label(self) -> str:
        """Name and version, e.g. ``local/2``; part of the index version."""
        ...

    async def start(self) -> None:
        """Start what takes long to start, ahead of the first document; optional."""
        ...

    async def parse(self, data: bytes, *, filename: str, media_type: MediaType) -> ParsedDocument:
        """Parse one document, within limits of time, memory, pages and output.

        Args:
            data: The file.
            filename: Its name.
            media_type: The guess that was made when it was accepted; its content decides.

        Raises:
            DocumentRejected: a subclass says what is wrong with the document.
            WorkerLost: the parser did not start, or is closed.
        """
        ...

    async def close(self) -> None:
        """Stop what the parser started."""
        ...


class ParsesForPayer(Protocol):
    """A parser that may ask a provider, for which somebody pays."""

    async def parse(
        self, data: bytes, *, filename: str, media_type: MediaType, payer: Payer
    ) -> ParsedDocument:
        """As ``Parser.parse``; ``payer`` is on whose behalf.

        Raises:
            DocumentRejected: a subclass says what is wrong with the document.
            WorkerLost: the local parser did not start, or is closed.
            ParseUnderway: a provider works on it; its end wakes the job.
            MustWait: the provider or the budget allow nothing now.
            ProviderUnavailable: the provider did not answer.
        """
        ...


class Splitter(Protocol):
    """Cuts a parsed document into passages."""

    @property
    def label(self) -> str:
        """Name, version and settings, e.g. ``structure/3:cl100k:512+64``; part of a chunk's id."""
        ...

    @property
    def limit_tokens(self) -> int:
        """Most tokens of one text that the embedder takes."""
        ...

    @property
    def max_document_tokens(self) -> int:
        """Most tokens of all chunks of a document."""
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, in the vocabulary in which passages are measured."""
        ...

    def split(self, parsed: ParsedDocument) -> list[Passage]:
        """Cut a text into passages, in order.

        Passages cover every character at least once, except white space, encoded data, and long
        runs of marks and empty cells. They overlap by at most the configured tokens, and hold at
        most the configured tokens each.
        """
        ...


class Embedder(Protocol):
    """Texts in, vectors of one model out."""

    @property
    def model(self) -> EmbeddingModel:
        """The vector space of everything this embedder returns."""
        ...

    def warm(self) -> None:
        """Load what takes long to load, ahead of the first texts; optional."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts in order.

        Args:
            texts: 1 to 2048 non-empty strings, together within the batch's token budget.

        Returns:
            float32[len(texts), model.dimension], validated and L2-normalised.

        Raises:
            InvalidVector: a text has no token that the model knows.
        """
        ...

    async def close(self) -> None:
        """Release what the embedder holds."""
        ...


class EmbedsForPayer(Protocol):
    """An embedder whose calls somebody may pay for."""

    @property
    def model(self) -> EmbeddingModel:
        """The vector space of everything this embedder returns."""
        ...

    async def embed(
        self,
        texts: Sequence[str],
        *,
        payer: Payer,
        tokens: Sequence[int] | None = None,
        wanted: Callable[[], Awaitable[bool]] | None = None,
    ) -> Vectors:
        """As ``Embedder.embed``, on somebody's behalf.

        Args:
            texts: 1 to 2048 non-empty strings, together within the batch's token budget.
            payer: On whose behalf.
            tokens: Of each text, where they are known; cl100k_base.
            wanted: Asked at the last moment before anything is paid for, after any waiting.

        Returns:
            float32[len(texts), model.dimension], validated and L2-normalised.

        Raises:
            RateLimited: with retry_after when the provider said so.
            ProviderUnavailable: timeout, connection loss or server error. Safe to repeat.
            MustWait: the provider or the budget allow nothing now.
            LeaseLost: it is not wanted any more; nothing was paid.
            InputRefused: one of the texts, or all of them together.
            InvalidVector: the answer is not usable.
        """
        ...


class SettlesJobs(Protocol):
    """Where attempts end that did not publish."""

    async def settle(self, lease: Lease, settlement: Settlement) -> bool:
        """End an attempt; False when the lease was lost, and nothing was written.

        Raises:
            StoreUnavailable: the database did not answer; the lease will run out by itself.
        """
        ...


class RecordsTexts(Protocol):
    """Where it is noted that documents are parsed."""

    async def record_parsed(
        self,
        records: Sequence[ParsedRecord],
        *,
        lease: timedelta,
        text_is_there: Callable[[str], Awaitable[bool]],
    ) -> set[UUID]:
        """Note where texts are and advance their jobs to ``parse_validated``, all at once.

        ``text_is_there`` is asked last, when no other document can take the text with it.

        Returns:
            Ids of the jobs whose lease held; of the others nothing was written.

        Raises:
            StoreUnavailable: nothing was written.
        """
        ...

    async def discard_text(
        self, record: ParsedRecord, *, remove_blob: Callable[[str], Awaitable[None]]
    ) -> None:
        """Remove a text that was stored for a generation that is gone, if nothing else has it.

        Raises:
            StoreUnavailable: the text stays.
        """
        ...


class StoresChunks(Protocol):
    """Where chunks become durable and generations are published."""

    async def plan(
        self, documents: Sequence[DocumentChunks], *, lease: timedelta
    ) -> tuple[list[DocumentChunks], frozenset[UUID]]:
        """Compare cut documents with what is stored and advance their jobs.

        Returns:
            The documents whose lease holds, with just the chunks that still need a vector
            (possibly none), and the ids of the jobs whose lease was lost.

        Raises:
            StoreUnavailable: nothing was written.
        """
        ...

    async def store(
        self, documents: Sequence[DocumentChunks], vectors: Vectors, *, lease: timedelta
    ) -> StoredBatch:
        """Make a batch durable, and publish every document that it completes, in one step.

        Args:
            documents: A batch's share of each document; may be empty of chunks, when all of a
                document's chunks were stored before.
            vectors: float32[n, dimension], in the order of the documents' chunks.
            lease: New length of the leases that hold.

        Raises:
            StoreUnavailable: nothing was written; repeating is safe.
        """
        ...

    async def leave_out(
        self, target: Target, chunk: Chunk, error: IngestError, *, lease: timedelta
    ) -> StoredBatch:
        """Go on without a chunk that cannot be embedded; publish the document if that was all.

        Raises:
            InputRefused: it was the last chunk; nothing was written.
            StoreUnavailable: nothing was written.
        """
        ...

    async def held(self, targets: Sequence[Target]) -> frozenset[UUID]:
        """The jobs whose leases hold at this moment, and may be lost at the next.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        ...

    async def embedded_before(
        self, tenant_id: UUID, digests: Sequence[bytes]
    ) -> dict[bytes, NDArray[np.float32]]:
        """Vectors that a tenant has already for texts, by the texts' digests.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        ...
