"""The vector space that serves a tenant, and the move to another one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ingest.domain.embedded_text import embedded_text
from ingest.domain.embedding import EmbeddingModel, Vectors


@dataclass(frozen=True, slots=True)
class Move:
    """A move from the serving space to a target space."""

    source: EmbeddingModel
    target: EmbeddingModel


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A published chunk without a vector in the target space."""

    chunk_id: UUID
    context: str | None
    text: str
    token_count: int
    text_sha256: bytes

    @property
    def embedded_text(self) -> str:
        """The exact text sent to the embedder, of which ``text_sha256`` is the digest."""
        return embedded_text(self.context, self.text)


@dataclass(frozen=True, slots=True)
class Serving:
    """The spaces of one tenant, by label."""

    tenant_id: UUID
    serving: str | None
    """Space that serves the tenant; None: the default space, which the settings name."""
    other: str | None
    """Space whose vectors are made or kept in addition."""
    documents: dict[str, int]
    """Published ones by space; without a name where an old version published them."""


Embed = Callable[[Sequence[Unembedded]], Awaitable[tuple[Sequence[Unembedded], Vectors]]]
"""Embeds chunks; returns those that were not refused, and float32[n, dimension] for them."""
PageKey = tuple[datetime, UUID]
