"""Where the vectors of a batch come from: computed for nothing, or bought once for each text."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ingest.app.pipeline.messages import Batch
from ingest.domain.chunk import Chunk
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.errors import InputRefused
from ingest.domain.pricing import Operation, Payer
from ingest.ports import Embedder, EmbedsForPayer, StoresChunks


class BatchVectors(Protocol):
    """Vectors for the chunks of batches."""

    async def of(self, batch: Batch) -> Vectors:
        """float32[chunks, dimension], in the order of the batch's chunks.

        Raises:
            InputRefused: with the index of the chunk in the batch, if one is named.
            LeaseLost: somebody else has one of the jobs; nothing was paid.
            IngestError: as the embedder or the store of chunks says.
        """
        ...


class LocalVectors:
    """Computes every vector: that is cheaper than to look it up."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def of(self, batch: Batch) -> Vectors:
        """See ``BatchVectors``."""
        chunks = batch.chunks
        if not chunks:
            return _none(self._embedder.model)
        return await self._embedder.embed([chunk.embedded_text for chunk in chunks])


class PaidVectors:
    """Buys a text once: not twice in a batch, nor when the tenant has its vector already.

    Nothing is bought for a batch of which a lease was lost while it waited for quota.
    """

    def __init__(self, embedder: EmbedsForPayer, chunks: StoresChunks) -> None:
        self._embedder = embedder
        self._chunks = chunks

    async def of(self, batch: Batch) -> Vectors:
        """See ``BatchVectors``."""
        chunks = batch.chunks
        if not chunks:
            return _none(self._embedder.model)
        payer = Payer(batch.key.tenant_id, batch.key.lane, Operation.EMBED)
        distinct: dict[bytes, int] = {}
        for index, chunk in enumerate(chunks):
            distinct.setdefault(chunk.text_sha256, index)
        known = await self._chunks.embedded_before(payer.tenant_id, list(distinct))
        new = [index for digest, index in distinct.items() if digest not in known]
        if new:
            fresh = await self._buy(batch, chunks, new, payer)
            known |= {chunks[i].text_sha256: row for i, row in zip(new, fresh, strict=True)}
        return np.stack([known[chunk.text_sha256] for chunk in chunks])

    async def _buy(
        self, batch: Batch, chunks: Sequence[Chunk], new: Sequence[int], payer: Payer
    ) -> Vectors:
        try:
            return await self._embedder.embed(
                [chunks[index].embedded_text for index in new],
                payer=payer,
                tokens=[chunks[index].token_count for index in new],
                wanted=lambda: self._is_held(batch),
            )
        except InputRefused as exc:
            if exc.index is not None and 0 <= exc.index < len(new):
                exc.index = new[exc.index]
            raise

    async def _is_held(self, batch: Batch) -> bool:
        held = await self._chunks.held([document.target for document in batch.documents])
        return held >= {job.lease.job_id for job in batch.jobs}


def _none(model: EmbeddingModel) -> Vectors:
    return np.empty((0, model.dimension), dtype=np.float32)
