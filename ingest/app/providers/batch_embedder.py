"""The EmbedsForPayer port of the lane batch: says why texts came by no provider batch."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import InputRefused, TextsMissing
from ingest.domain.pricing import Payer

if TYPE_CHECKING:
    from ingest.adapters.postgres.providers.vector_buffer_store import VectorBufferStore


_AGAIN = timedelta(seconds=1)


class BatchEmbedder:
    """Buys nothing: what has a vector is not asked for, and what has none was refused."""

    def __init__(self, model: EmbeddingModel, texts: "VectorBufferStore") -> None:
        """Begin; ``texts`` are those that were put into batches."""
        self.model = model
        self._texts = texts

    async def embed(
        self,
        texts: Sequence[str],
        *,
        payer: Payer,
        tokens: Sequence[int] | None = None,
        wanted: Callable[[], Awaitable[bool]] | None = None,
    ) -> NoReturn:
        """Say why these texts have no vector.

        Raises:
            InputRefused: the provider refused one of them; its index.
            TextsMissing: they are to be put into a batch again.
        """
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        refusals = await self._texts.refusals(payer.tenant_id, self.model, digests)
        for index, digest in enumerate(digests):
            if digest in refusals:
                raise InputRefused(refusals[digest].message, index=index)
        raise TextsMissing("texts came by no batch, and are put into the next", retry_after=_AGAIN)
