"""Where vectors of another model are put beside those that serve, until all are flipped."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.serving_space import Move, Unembedded

Embed = Callable[[Sequence[Unembedded]], Awaitable[tuple[Sequence[Unembedded], Vectors]]]
"""Embeds chunks; returns those that were not refused, and float32[n, dimension] for them."""
PageKey = tuple[datetime, UUID]


class Spaces(Protocol):
    """The vector spaces of all tenants. Each method may raise StoreUnavailable."""

    async def tenants(self, source: EmbeddingModel, *, by_default: bool) -> list[UUID]:
        """Tenants that a space serves; ``by_default``: it is the settings'."""
        ...

    async def begin(self, tenant_id: UUID, move: Move) -> None:
        """Keep vectors of the target from now on."""
        ...

    async def missing(
        self, tenant_id: UUID, move: Move, *, after: PageKey | None, page: int
    ) -> tuple[list[Unembedded], PageKey | None]:
        """What is to be embedded of a page of documents, and where the next begins, if it does."""
        ...

    async def put(
        self, tenant_id: UUID, move: Move, chunks: Sequence[Unembedded], vectors: Vectors
    ) -> None:
        """Store vectors, float32[n, dimension], beside those that serve."""
        ...

    async def flip(
        self, tenant_id: UUID, move: Move, *, embed: Embed, most: int, without: Collection[UUID]
    ) -> bool:
        """Serve the target from one moment to the next, if no more than ``most`` are missing.

        Nothing of the tenant is published meanwhile; the missing ones are embedded then.

        Args:
            tenant_id: The tenant.
            move: From where to where.
            embed: Embeds what is missing.
            most: Chunks.
            without: Chunks that the target's model refused.

        Returns:
            Whether it was done.
        """
        ...

    async def set_default(self, move: Move) -> None:
        """Serve tenants that come from now on by the target; the others stay where they are."""
        ...
