"""Texts on their way into provider batches, and the jobs that wait for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from ingest.adapters.postgres.jobs.leases import lock_leases
from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.statements import load
from ingest.domain.attempt import DocumentChunks
from ingest.domain.batch_api import MOST_TRIES, BatchRoom, Deferred, request_bytes
from ingest.domain.chunk import Chunk
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import IngestError, TextsFailed, of_code

SQL = load("document_vector_buffer")
BATCHES = load("provider_batches")
JOBS = load("upload_jobs")
_Wanted = tuple[UUID, Chunk]
"""A text, with the document that wants it."""


@dataclass(slots=True)
class _Known:
    """What is known of texts, by their digests; of the others nothing is."""

    with_result: set[bytes] = field(default_factory=set)
    under_way: dict[bytes, UUID] = field(default_factory=dict)
    """Which batch they are in."""
    given_up: dict[bytes, str] = field(default_factory=dict)
    """Why there was no result the last time."""

    def failure_of(self, document: DocumentChunks) -> IngestError | None:
        """Why a document cannot be had, if it cannot."""
        for chunk in document.chunks:
            if (why := self.given_up.get(chunk.text_sha256)) is not None:
                return TextsFailed(f"{MOST_TRIES} batches gave nothing for a text; at last: {why}")
        return None

    def new_in(self, wanted: Mapping[bytes, _Wanted]) -> list[_Wanted]:
        """The texts that are to be put into a batch."""
        known = self.with_result | self.under_way.keys()
        return [entry for digest, entry in wanted.items() if digest not in known]

    def shared_in(self, wanted: Mapping[bytes, _Wanted]) -> list[_Wanted]:
        """The texts that others have put into one."""
        return [entry for digest, entry in wanted.items() if digest in self.under_way]


class VectorBufferStore:
    """Rows of ``document_vector_buffer``, as jobs put and look for them."""

    def __init__(self, database: Database, room: BatchRoom) -> None:
        """Open the store; ``room`` is what one batch may hold."""
        self._database = database
        self._room = room

    async def defer(
        self, documents: Sequence[DocumentChunks], model: EmbeddingModel, *, at_most: timedelta
    ) -> Deferred:
        """Put texts into a provider batch, and let their jobs wait for it, all in one step.

        Args:
            documents: Of one tenant, with the chunks that have no vector in this space.
            model: The space.
            at_most: How long their jobs wait.

        Raises:
            StoreUnavailable: nothing was written.
        """
        if not documents:
            return Deferred([], [])
        tenant_id = documents[0].target.tenant_id
        async with self._database.transaction() as connection:
            await connection.execute(BATCHES["lock_batches"], tenant_id, model.name)
            held = await lock_leases(connection, [d.target.lease for d in documents])
            live = [d for d in documents if d.target.lease.job_id in held]
            known = await self._known(connection, tenant_id, model, live)
            failed = [(d, why) for d in live if (why := known.failure_of(d)) is not None]
            gone = {d.target.lease.job_id for d, _ in failed}
            live = [d for d in live if d.target.lease.job_id not in gone]
            wanted = _wanted(live)
            await self._want(connection, tenant_id, model, known.shared_in(wanted))
            under_way = known.under_way | await self._put(
                connection, tenant_id, model, known.new_in(wanted)
            )
            waiting = {
                d.target.lease.job_id: batch_id
                for d in live
                for chunk in d.chunks
                if (batch_id := under_way.get(chunk.text_sha256)) is not None
            }
            await connection.execute(
                JOBS["wait_for_batches"], list(waiting), list(waiting.values()), at_most
            )
        return Deferred([d for d in live if d.target.lease.job_id not in waiting], failed)

    async def refusals(
        self, tenant_id: UUID, model: EmbeddingModel, digests: Sequence[bytes]
    ) -> Mapping[bytes, IngestError]:
        """Why the provider refused texts, by their digests; of others nothing.

        Raises:
            StoreUnavailable: the database did not answer.
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL["refused_texts"], tenant_id, model.name, model.version, digests
            )
        return {r["text_sha256"]: of_code(r["error_code"], r["error_message"]) for r in rows}

    async def _known(
        self,
        connection: Connection,
        tenant_id: UUID,
        model: EmbeddingModel,
        documents: Sequence[DocumentChunks],
    ) -> _Known:
        """What is known of the texts; those that were tried too often are given up with that."""
        digests = list({chunk.text_sha256 for d in documents for chunk in d.chunks})
        space = (tenant_id, model.name, model.version)
        rows = await connection.fetch(SQL["known_texts"], *space, digests)
        known = _Known()
        known.with_result = {row["text_sha256"] for row in rows if row["has_result"]}
        for row in rows:
            if row["text_sha256"] in known.with_result:
                continue
            if row["is_open"]:
                known.under_way[row["text_sha256"]] = row["batch_id"]
            elif row["tries"] >= MOST_TRIES:
                known.given_up[row["text_sha256"]] = row["error_message"] or ""
        await connection.execute(SQL["forget_texts"], *space, list(known.given_up))
        return known

    async def _want(
        self,
        connection: Connection,
        tenant_id: UUID,
        model: EmbeddingModel,
        shared: Sequence[_Wanted],
    ) -> None:
        """Keep texts in their batch, should those not want them any more who put them in."""
        if shared:
            await connection.execute(
                SQL["want_texts"],
                tenant_id,
                model.name,
                model.version,
                [chunk.text_sha256 for _, chunk in shared],
                [document_id for document_id, _ in shared],
            )

    async def _put(
        self,
        connection: Connection,
        tenant_id: UUID,
        model: EmbeddingModel,
        wanted: Sequence[_Wanted],
    ) -> dict[bytes, UUID]:
        """Put texts into as many batches as they need; which text is in which."""
        placed: dict[bytes, UUID] = {}
        while len(placed) < len(wanted):
            batch = await self._filling(connection, tenant_id, model)
            left = BatchRoom(
                self._room.texts - batch["texts"],
                self._room.bytes_len - batch["bytes_len"],
                self._room.tokens - batch["tokens"],
            )
            rest = wanted[len(placed) :]
            fitting, taken = _fitting(rest, left, at_least=int(batch["texts"] == 0))
            await connection.execute(
                SQL["put_texts"],
                tenant_id,
                model.name,
                model.version,
                model.dimension,
                batch["batch_id"],
                [chunk.text_sha256 for _, chunk in fitting],
                [document_id for document_id, _ in fitting],
                [chunk.token_count for _, chunk in fitting],
                [chunk.embedded_text for _, chunk in fitting],
            )
            await connection.execute(
                BATCHES["fill_batch"],
                batch["batch_id"],
                taken.texts,
                taken.bytes_len,
                taken.tokens,
                taken.texts < len(rest) or taken.texts == left.texts,
            )
            placed |= {chunk.text_sha256: batch["batch_id"] for _, chunk in fitting}
        return placed

    async def _filling(self, connection: Connection, tenant_id: UUID, model: EmbeddingModel) -> Any:
        """The batch that takes texts, locked."""
        space = (tenant_id, model.name, model.version)
        while True:  # a batch that is being submitted at this moment accepts no more texts
            await connection.execute(BATCHES["open_batch"], *space, model.dimension)
            batch = await connection.fetchrow(BATCHES["filling_batch"], *space)
            if batch is not None:
                return batch


def _wanted(documents: Sequence[DocumentChunks]) -> dict[bytes, _Wanted]:
    """Every text once, by its digest and in the order of those, which is that of locking."""
    wanted = {
        chunk.text_sha256: (document.target.document_id, chunk)
        for document in documents
        for chunk in document.chunks
    }
    return dict(sorted(wanted.items()))


def _fitting(
    wanted: Sequence[_Wanted], left: BatchRoom, *, at_least: int
) -> tuple[Sequence[_Wanted], BatchRoom]:
    """The first of the texts, as far as there is room, and what they take of it."""
    bytes_len = tokens = 0
    for count, (_, chunk) in enumerate(wanted):
        more = BatchRoom(
            count + 1, bytes_len + request_bytes(chunk.embedded_text), tokens + chunk.token_count
        )
        fits = (
            more.texts <= left.texts
            and more.bytes_len <= left.bytes_len
            and more.tokens <= left.tokens
        )
        if not fits and count >= at_least:
            return wanted[:count], BatchRoom(count, bytes_len, tokens)
        bytes_len, tokens = more.bytes_len, more.tokens
    return wanted, BatchRoom(len(wanted), bytes_len, tokens)
