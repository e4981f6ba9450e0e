"""The vector space that serves a tenant, and the move to another one."""

from dataclasses import dataclass
from uuid import UUID

from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import TransientError


class SpaceMoved(TransientError):
    """Another vector space serves the tenant now. Costs no attempt."""

    code = "space_moved"


@dataclass(frozen=True, slots=True)
class Move:
    """A move from the serving space to a target space."""

    source: EmbeddingModel
    target: EmbeddingModel


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A published chunk without a vector in the target space."""

    chunk_id: UUID
    text: str
    token_count: int
    text_sha256: bytes


@dataclass(frozen=True, slots=True)
class Serving:
    """The spaces of one tenant, by label."""

    tenant_id: UUID
    serving: str | None
    """Space that serves the tenant; None: the default space, which the settings name."""
    other: str | None
    """Space whose vectors are made or kept in addition."""
    documents: dict[str, int]
    """Published documents by space; the key is empty for documents of old versions of ingest."""
