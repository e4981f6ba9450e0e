"""Chunks: storing batches as they arrive, publishing whole generations, reading them."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
from numpy.typing import NDArray

from ingest.adapters.postgres.documents.chunk_rows import COLUMNS, chunk_rows
from ingest.adapters.postgres.documents.publish import publish
from ingest.adapters.postgres.jobs.leases import held_leases, lock_leases
from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.statements import load
from ingest.domain.attempt import DocumentChunks, StoredBatch, Target
from ingest.domain.chunk import Chunk
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.errors import IngestError, InputRefused

SQL = load("document_chunks")
JOBS = load("upload_jobs")


class ChunkStore:
    """Rows of ``document_chunks`` in one vector space."""

    def __init__(
        self,
        database: Database,
        model: EmbeddingModel,
        *,
        chunker: str,
        is_fallback: bool = False,
    ) -> None:
        """Open the store; what a fallback's chunks stand in for is kept beside them, unseen."""
        self._database = database
        self._model = model
        self._chunker = chunker
        self._is_fallback = is_fallback

    async def plan(
        self, documents: Sequence[DocumentChunks], *, lease: timedelta
    ) -> tuple[list[DocumentChunks], frozenset[UUID]]:
        """See the port.

        Chunks with a row already, from an older generation or an attempt that was cut short,
        are retained; rows that no reader ever saw and this attempt does not want are removed.
        """
        async with self._database.transaction() as connection:
            held = await lock_leases(connection, [d.target.lease for d in documents])
            live = [d for d in documents if d.target.lease.job_id in held]
            stored = await self._stored(connection, live)
            missing, retained = [], []
            for document in live:
                have = stored.get(document.target.document_id, set())
                retained.append([chunk for chunk in document.chunks if chunk.chunk_id in have])
                fresh = tuple(c for c in document.chunks if c.chunk_id not in have)
                missing.append(DocumentChunks(document.target, fresh))
            await connection.execute(
                SQL["delete_unpublished"],
                [document.target.document_id for document in live],
                [chunk.chunk_id for kept in retained for chunk in kept],
                self._model.name,
                self._model.version,
                self._is_fallback,
            )
            await connection.execute(
                JOBS["advance_chunked"],
                [document.target.lease.job_id for document in live],
                [len(document.chunks) for document in live],
                [len(kept) for kept in retained],
                [_places(kept) for kept in retained],
                lease,
            )
        lost = frozenset(d.target.lease.job_id for d in documents) - held
        return missing, lost

    async def _stored(
        self, connection: Connection, documents: Sequence[DocumentChunks]
    ) -> dict[UUID, set[UUID]]:
        rows = await connection.fetch(
            SQL["stored_chunks"],
            [document.target.document_id for document in documents],
            self._model.name,
            self._model.version,
        )
        stored: dict[UUID, set[UUID]] = {}
        for row in rows:
            stored.setdefault(row["document_id"], set()).add(row["chunk_id"])
        return stored

    async def store(
        self, documents: Sequence[DocumentChunks], vectors: Vectors, *, lease: timedelta
    ) -> StoredBatch:
        """See the port.

        The leases are checked last, in the transaction that commits the rows, so documents insert
        side by side and a stale writer still leaves nothing behind.
        """
        records = await asyncio.to_thread(
            chunk_rows, documents, vectors, model=self._model, chunker=self._chunker
        )
        try:
            async with self._database.transaction() as connection:
                if records:
                    await connection.copy_records_to_table(
                        "document_chunks",
                        schema_name="upload_pipeline",
                        records=records,
                        columns=COLUMNS,
                    )
                written = {
                    d.target.document_id: [chunk.chunk_id for chunk in d.chunks] for d in documents
                }
                return await self._advance_and_publish(connection, documents, written, lease=lease)
        except (
            asyncpg.UniqueViolationError,
            asyncpg.ForeignKeyViolationError,
            asyncpg.FeatureNotSupportedError,  # COPY, where row security binds who copies
        ):
            return await self._store_arrivals(documents, records, lease=lease)

    async def leave_out(
        self, target: Target, chunk: Chunk, error: IngestError, *, lease: timedelta
    ) -> StoredBatch:
        """See the port."""
        async with self._database.transaction() as connection:
            if target.lease.job_id not in await lock_leases(connection, [target.lease]):
                return StoredBatch(frozenset(), frozenset({target.lease.job_id}))
            row = await connection.fetchrow(
                JOBS["leave_out_chunk"],
                target.lease.job_id,
                {
                    "chunk_ord": chunk.chunk_ord,
                    "char_start": chunk.char_start,
                    "char_end": chunk.char_end,
                    "code": error.code,
                    "message": error.message,
                },
                lease,
            )
            if row["chunks_total"] == 0:
                raise InputRefused(f"none of the document's texts was accepted: {error.message}")
            if row["chunks_stored"] < row["chunks_total"]:
                return StoredBatch(frozenset(), frozenset())
            counts = {target.lease.job_id: row["chunks_total"]}
            await publish(
                connection, [target], counts, model=self._model, is_fallback=self._is_fallback
            )
        return StoredBatch(frozenset({target.lease.job_id}), frozenset())

    async def held(self, targets: Sequence[Target]) -> frozenset[UUID]:
        """See the port; nothing is locked."""
        async with self._database.connection() as connection:
            return await held_leases(connection, [target.lease for target in targets])

    async def embedded_before(
        self, tenant_id: UUID, digests: Sequence[bytes]
    ) -> dict[bytes, NDArray[np.float32]]:
        """See the port."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL["embedded_before"], tenant_id, digests, self._model.name, self._model.version
            )
        return {row["digest"]: row["embedding"].to_numpy() for row in rows}

    async def _store_arrivals(
        self,
        documents: Sequence[DocumentChunks],
        records: Sequence[tuple[Any, ...]],
        *,
        lease: timedelta,
    ) -> StoredBatch:
        """Store a batch of which some rows are there already, or some documents are gone."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["create_arrivals"])
            await connection.copy_records_to_table(
                "chunk_arrivals", records=records, columns=COLUMNS
            )
            rows = await connection.fetch(
                SQL["insert_arrivals"], [d.target.document_id for d in documents]
            )
            written: dict[UUID, list[UUID]] = {}
            for row in rows:
                written.setdefault(row["document_id"], []).append(row["chunk_id"])
            return await self._advance_and_publish(connection, documents, written, lease=lease)

    async def _advance_and_publish(
        self,
        connection: Connection,
        documents: Sequence[DocumentChunks],
        written: Mapping[UUID, Sequence[UUID]],
        *,
        lease: timedelta,
    ) -> StoredBatch:
        """Check the leases; ``written`` is what this transaction inserted, by document.

        Every writer inserts first and locks its jobs then: two that held them the other way round
        would wait for each other.
        """
        rows = await connection.fetch(
            JOBS["advance_stored"],
            [d.target.lease.job_id for d in documents],
            [d.target.lease.token for d in documents],
            [len(written.get(d.target.document_id, ())) for d in documents],
            lease,
        )
        held = {row["job_id"] for row in rows}
        stale = [d for d in documents if d.target.lease.job_id not in held]
        unwanted = [chunk_id for d in stale for chunk_id in written.get(d.target.document_id, ())]
        if unwanted:
            await connection.execute(
                SQL["delete_stale"],
                [d.target.document_id for d in stale],
                unwanted,
                self._model.name,
                self._model.version,
            )
        complete = {r["job_id"] for r in rows if r["chunks_stored"] == r["chunks_total"]}
        await publish(
            connection,
            [d.target for d in documents if d.target.lease.job_id in complete],
            {row["job_id"]: row["chunks_total"] for row in rows},
            model=self._model,
            is_fallback=self._is_fallback,
        )
        return StoredBatch(
            published=frozenset(complete),
            stale=frozenset(d.target.lease.job_id for d in stale),
        )


def _places(chunks: Sequence[Chunk]) -> str | None:
    """JSON text: a list in a list of jsonb would be taken for a matrix."""
    if not chunks:
        return None
    return json.dumps(
        [
            {
                "chunk_id": str(chunk.chunk_id),
                "char_start": chunk.char_start,
                "char_end": chunk.char_end,
                "page": chunk.page,
                "heading_path": chunk.heading_path,
            }
            for chunk in chunks
        ]
    )
