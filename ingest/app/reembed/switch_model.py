"""Moving tenants to another embedding model: embed beside, then flip each at one moment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray

from ingest.domain.batching import pack
from ingest.domain.embedding import Vectors
from ingest.domain.errors import BudgetExhausted, InputRefused, StoreUnavailable, TransientError
from ingest.domain.job import Lane
from ingest.domain.pricing import Operation, Payer
from ingest.domain.serving_space import Move, PageKey, Unembedded
from ingest.ports import EmbedsForPayer, StoresChunks

if TYPE_CHECKING:
    from ingest.adapters.postgres.search.serving_store import ServingStore


log = structlog.get_logger(module=__name__)
_PAGE = 200
"""Documents that are looked at together."""
_LAST = 256
"""Most chunks that are embedded while nothing of the tenant can be published."""
_AGAIN_SECONDS = 2.0
_Embed = Callable[[Sequence[str], Payer, Sequence[int]], Awaitable[Vectors]]


@dataclass
class SwitchedTenant:
    """What came of it so far."""

    tenants: int = 0
    chunks: int = 0
    """That got a vector beside the one that serves."""
    tokens: int = 0
    refused: dict[UUID, str] = field(default_factory=dict)
    """Chunks that the new model does not take, by id, and the error's code: left out."""


class ModelSwitcher:
    """Embeds what tenants have published with another model, and lets that one serve them."""

    def __init__(
        self,
        spaces: "ServingStore",
        chunks: StoresChunks,
        embedder: EmbedsForPayer,
        move: Move,
        *,
        items: int,
        tokens: int,
        at_once: int = 4,
        looks: Callable[[SwitchedTenant], None] = lambda _: None,
    ) -> None:
        """Begin.

        Args:
            spaces: The vectors.
            chunks: Those of the target.
            embedder: Of the target.
            move: From where to where.
            items: Most chunks in a request.
            tokens: Most tokens in one.
            at_once: Requests at the same time.
            looks: Is told how far it is.
        """
        self._spaces = spaces
        self._chunks = chunks
        self._embedder = embedder
        self._move = move
        self._items = items
        self._tokens = tokens
        self._room = asyncio.Semaphore(at_once)
        self._looks = looks
        self.moved = SwitchedTenant()

    async def all(self, *, by_default: bool) -> None:
        """Move every tenant, and let tenants that come later begin with the target.

        Args:
            by_default: The source is the settings' model, which serves where nothing else is said.
        """
        tenants = partial(self._spaces.tenants, self._move.source, by_default=by_default)
        for tenant_id in await tenants():
            await self.tenant(tenant_id)
        await self._spaces.set_default(self._move)
        for tenant_id in await tenants():  # they came meanwhile
            await self.tenant(tenant_id)

    async def tenant(self, tenant_id: UUID) -> None:
        """Move one; interrupted at any point, the same call goes on.

        Raises:
            BudgetExhausted: there is no money for it; nothing was flipped.
            StoreUnavailable: nothing was flipped.
        """
        while not await self._flip(tenant_id):
            pass
        self.moved.tenants += 1
        self._looks(self.moved)

    async def _flip(self, tenant_id: UUID) -> bool:
        """Embed what is missing, and flip; False when too much is missing again."""
        await self.embed_beside(tenant_id)
        try:
            return await self._spaces.flip(
                tenant_id,
                self._move,
                embed=partial(self._embed, tenant_id, self._embed_now),
                most=_LAST,
                without=self.moved.refused,
            )
        except (BudgetExhausted, StoreUnavailable):
            raise
        except TransientError as exc:
            log.warning("not flipped yet", code=exc.code)
            await asyncio.sleep(_pause(exc))
            return False

    async def embed_beside(self, tenant_id: UUID) -> None:
        """Embed what is missing, page by page of the tenant's documents; nobody sees it yet."""
        await self._spaces.begin(tenant_id, self._move)
        after: PageKey | None = None
        while True:
            missing, after = await self._spaces.missing(
                tenant_id, self._move, after=after, page=_PAGE
            )
            if after is None:
                return
            puts = (self._put(tenant_id, batch) for batch in self._batches(missing))
            # What is embedded is paid: when one fails, the others still store what they have.
            for outcome in await asyncio.gather(*puts, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome

    def _batches(self, missing: Sequence[Unembedded]) -> list[list[Unembedded]]:
        """Requests' worth of chunks; those of one text go together, so that it is paid once."""
        by_text: dict[bytes, list[Unembedded]] = {}
        for chunk in missing:
            if chunk.chunk_id not in self.moved.refused:
                by_text.setdefault(chunk.text_sha256, []).append(chunk)
        alike = list(by_text.values())
        spans = pack(
            [chunks[0].token_count for chunks in alike],
            max_items=self._items,
            max_tokens=self._tokens,
        )
        return [[chunk for i in span for chunk in alike[i]] for span in spans]

    async def _put(self, tenant_id: UUID, chunks: Sequence[Unembedded]) -> None:
        async with self._room:
            taken, vectors = await self._embed(tenant_id, self._embed_patiently, chunks)
            await self._spaces.put(tenant_id, self._move, taken, vectors)
            self._looks(self.moved)

    async def _embed(
        self, tenant_id: UUID, by: _Embed, chunks: Sequence[Unembedded]
    ) -> tuple[Sequence[Unembedded], Vectors]:
        """Vectors of what is not refused; of two chunks of one text the second costs nothing."""
        distinct = {chunk.text_sha256: chunk for chunk in chunks}
        known = await self._chunks.embedded_before(tenant_id, list(distinct))
        new = [chunk for digest, chunk in distinct.items() if digest not in known]
        known |= await self._ask(tenant_id, by, new)
        taken = [chunk for chunk in chunks if chunk.text_sha256 in known]
        self.moved.chunks += len(taken)
        if not taken:
            return [], np.empty((0, self._move.target.dimension), dtype=np.float32)
        return taken, np.stack([known[chunk.text_sha256] for chunk in taken])

    async def _ask(
        self, tenant_id: UUID, by: _Embed, chunks: Sequence[Unembedded]
    ) -> dict[bytes, NDArray[np.float32]]:
        if not chunks:
            return {}
        payer = Payer(tenant_id, Lane.BACKFILL, Operation.EMBED)
        tokens = [chunk.token_count for chunk in chunks]
        try:
            vectors = await by([c.embedded_text for c in chunks], payer, tokens)
        except InputRefused as exc:
            if len(chunks) == 1:
                self.moved.refused[chunks[0].chunk_id] = exc.code
                return {}
            middle = len(chunks) // 2
            first = await self._ask(tenant_id, by, chunks[:middle])
            return first | await self._ask(tenant_id, by, chunks[middle:])
        self.moved.tokens += sum(tokens)
        return {c.text_sha256: vector for c, vector in zip(chunks, vectors, strict=True)}

    async def _embed_now(
        self, texts: Sequence[str], payer: Payer, tokens: Sequence[int]
    ) -> Vectors:
        """Ask once: nothing of the tenant is published while somebody waits for the answer."""
        return await self._embedder.embed(texts, payer=payer, tokens=tokens)

    async def _embed_patiently(
        self, texts: Sequence[str], payer: Payer, tokens: Sequence[int]
    ) -> Vectors:
        """Ask again for as long as it is nobody's fault."""
        while True:
            try:
                return await self._embed_now(texts, payer, tokens)
            except BudgetExhausted:
                raise
            except TransientError as exc:
                log.warning("not embedded yet", code=exc.code)
                await asyncio.sleep(_pause(exc))


def _pause(error: TransientError) -> float:
    return error.retry_after.total_seconds() if error.retry_after else _AGAIN_SECONDS
