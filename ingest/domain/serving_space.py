"""Which vector space serves a tenant, and moving from one to another."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest.domain.embedding import EmbeddingModel, Vectors


@dataclass(frozen=True, slots=True)
class Move:
    """From the space that serves to the one that is to."""

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
    """How one tenant is served; spaces by their labels."""

    tenant_id: UUID
    serving: str | None
    """None: as tenants without a row are, in the end by the settings' model."""
    other: str | None
    """Whose vectors are made or kept beside."""
    documents: dict[str, int]
    """Published ones by space; without a name where an old version published them."""


Embed = Callable[[Sequence[Unembedded]], Awaitable[tuple[Sequence[Unembedded], Vectors]]]
"""Embeds chunks; returns those that were not refused, and float32[n, dimension] for them."""
PageKey = tuple[datetime, UUID]
