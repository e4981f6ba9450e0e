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
"""Bytes of a line of a batch's file without its text: custom_id, method, url, model."""
MOST_TRIES = 3
"""After as many provider batches without a result for a text, the attempt of its job fails."""


class BatchStatus(StrEnum):
    """The status of a provider batch."""

    FILLING = "filling"
    """It accepts texts."""
    SUBMITTING = "submitting"
    """It is full, or got no text for a while: it is to be submitted."""
    SUBMITTED = "submitted"
    """The provider has accepted it."""
    COLLECTED = "collected"
    """Each of its texts has a vector or an error; its jobs are being woken."""
    ENDED = "ended"


class RemoteBatchState(StrEnum):
    """The state of a batch at the provider."""

    RUNNING = "running"
    OVER = "over"
    """Completed, expired or cancelled: some of its texts may have results."""
    REFUSED = "refused"
    """The provider rejected it, and charges nothing."""
    QUEUE_FULL = "queue_full"
    """Rejected for now: too many tokens are queued at the provider."""
    GONE = "gone"
    """The provider does not know it."""


@dataclass(frozen=True, slots=True)
class BatchRoom:
    """The limits of one provider batch."""

    texts: int
    bytes_len: int
    """Most bytes of its file."""
    tokens: int


@dataclass(frozen=True, slots=True)
class ProviderBatch:
    """A batch that is submitted, or is to be."""

    batch_id: UUID
    tenant_id: UUID
    """The tenant that pays."""
    model: EmbeddingModel
    texts: int
    tokens: int
    token: UUID
    """Fencing token of the worker that submits it; a worker with an older token changes nothing."""
    closed_at: datetime
    """Time when it got its last text."""
    call_id: UUID | None
    """Ledger id of the last submission."""
    key_fingerprint: str | None
    remote_id: str | None
    """The provider's id of the batch."""
    overdue: bool
    """The deadline of the provider has passed."""


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch in the provider's answer."""

    remote_id: str
    state: RemoteBatchState
    status: str
    """The provider's own word for its state."""
    files: tuple[str, ...] = ()
    """Ids of the files with results and with errors."""
    input_file: str | None = None
    results: int = 0
    """Number of lines that its files must have together."""
    code: str | None = None
    """Error code of a rejected batch."""


@dataclass(frozen=True, slots=True)
class TextResult:
    """The result of one text: a vector, or an error."""

    text_sha256: bytes
    vector: NDArray[np.float32] | None
    error: IngestError | None = None
    tokens: int = 0
    """Tokens that the provider charged."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """The documents whose texts were to be put into provider batches, by result."""

    ready: list[DocumentChunks]
    """Documents that need not wait: each text has a vector or was refused."""
    failed: list[tuple[DocumentChunks, IngestError]]
    """Documents with a text that got no result in all its batches."""


def request_bytes(text: str) -> int:
    """Estimate the bytes that a text adds to the file of a batch."""
    return len(json.dumps(text, ensure_ascii=False).encode()) + _LINE_BYTES


Page = Sequence[tuple[bytes, str]]
"""Texts, each after its digest."""
