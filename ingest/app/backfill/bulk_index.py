"""The index of vectors during a load: kept, or dropped and built again at the end."""

from typing import TYPE_CHECKING

from ingest.domain.embedding import EmbeddingModel
from ingest.domain.index_timing import NOTHING_CHUNKS, IndexTime, indexes_after

if TYPE_CHECKING:
    from ingest.adapters.postgres.search.index_store import IndexStore


class BulkIndex:
    """Drops the index once it is known that the load is worth it, and builds it in the end."""

    def __init__(self, indexes: "IndexStore", model: EmbeddingModel, wanted: IndexTime) -> None:
        """Begin; ``wanted`` is what the user says."""
        self._indexes = indexes
        self._model = model
        self._wanted = wanted
        self._stored_before: int | None = None
        self.is_after = False
        """Whether the index is built in the end."""

    async def decide(self, documents: int) -> None:
        """Decide, with this many documents known so far; call it first before there are any."""
        if self.is_after or self._wanted is IndexTime.INLINE:
            return
        if self._stored_before is None:
            most = NOTHING_CHUNKS + 1
            self._stored_before = await self._indexes.stored(self._model, most=most)
        if indexes_after(self._wanted, documents=documents, stored_before=self._stored_before):
            await self._indexes.drop(self._model)
            self.is_after = True

    async def is_missing(self) -> bool:
        """Whether there is an index to build, also when an earlier load was killed."""
        if self._wanted is IndexTime.INLINE:
            return False
        return not await self._indexes.is_usable(self._model)

    async def build(self) -> None:
        """Build it; documents are ingested and searched meanwhile."""
        await self._indexes.rebuild(self._model, await self._indexes.kind(self._model))
