"""Provider batches: files of texts that a provider embeds within a day, at a lower price."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ingest.domain.attempt import DocumentChunks
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import IngestError

_LINE_BYTES = 250
MOST_TRIES = 3
"""Provider batches that may end without a result for a text, before its job's attempt fails."""


class BatchStatus(StrEnum):
    """How far a provider batch is."""

    FILLING = "filling"
    """It takes texts."""
    SUBMITTING = "submitting"
    """It is full, or nothing was added for a while: to be handed over."""
    SUBMITTED = "submitted"
    """The provider has it."""
    COLLECTED = "collected"
    """Each of its texts has a vector, or a reason why not; its jobs are being woken."""
    ENDED = "ended"


class RemoteBatchState(StrEnum):
    """What the provider says of a batch."""

    RUNNING = "running"
    OVER = "over"
    """Completed, expired or cancelled: there may be results of some of it."""
    REFUSED = "refused"
    """Nothing was done, and nothing is charged."""
    QUEUE_FULL = "queue_full"
    """Refused for now: too much is queued at the provider."""
    GONE = "gone"
    """The provider knows nothing of it."""


@dataclass(frozen=True, slots=True)
class BatchRoom:
    """What one provider batch may hold."""

    texts: int
    bytes_len: int
    """Of its file."""
    tokens: int


@dataclass(frozen=True, slots=True)
class ProviderBatch:
    """One that is handed over, or is to be."""

    batch_id: UUID
    tenant_id: UUID
    """The tenant, who pays."""
    model: EmbeddingModel
    texts: int
    tokens: int
    token: UUID
    """Of whoever hands it over; another one's is void."""
    closed_at: datetime
    """When it took its last text."""
    call_id: UUID | None
    """In the ledger, of the last try to hand it over."""
    key_fingerprint: str | None
    remote_id: str | None
    """The provider's name for it."""
    overdue: bool
    """The provider should have ended it by now."""


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch as the provider tells of it."""

    remote_id: str
    state: RemoteBatchState
    status: str
    """In the provider's own word."""
    files: tuple[str, ...] = ()
    """Names of the files with results, and with errors."""
    input_file: str | None = None
    results: int = 0
    """Lines that there must be in its files."""
    code: str | None = None
    """Why it is refused."""


@dataclass(frozen=True, slots=True)
class TextResult:
    """What became of one text: a vector, or an error."""

    text_sha256: bytes
    vector: NDArray[np.float32] | None
    error: IngestError | None = None
    tokens: int = 0
    """Charged."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """What became of documents whose texts were to be put into provider batches."""

    ready: list[DocumentChunks]
    """No need to wait: each text has a vector, or is known to be refused."""
    failed: list[tuple[DocumentChunks, IngestError]]
    """With a text of which batches gave nothing, as often as it is tried."""


def request_bytes(text: str) -> int:
    """About how much longer a text makes a batch's file."""
    return len(json.dumps(text, ensure_ascii=False).encode()) + _LINE_BYTES


Page = Sequence[tuple[bytes, str]]
"""Texts, each after its digest."""
