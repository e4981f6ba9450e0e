"""Terms of chunks from before there were any, and how often terms occur."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.adapters.text_analysis.term_vector import term_vector, to_binary

SQL = load("terms")
LEAST_MEASURED = 2_000
"""Chunks of a tenant from which on its common terms are measured; see ``lexical_search``."""
SAMPLE = 5_000
"""Chunks of a sample: the share of a term that is in 1 % of the chunks is then within 0.3 %."""
SAMPLED_OF_DOCUMENT = 20
"""Chunks of one document in a sample: its own words would seem common otherwise."""
LEAST_SHARE = 0.005
"""Of the chunks, from which on a term is common. Rarer terms are counted when they are searched."""
GROWTH = 0.25
"""Share by which the number of chunks changes before they are measured again: inverse document
frequency is a logarithm, and moves by a fifth then."""
OLDEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MeasuredSpace:
    """The chunks of a tenant in a vector space."""

    tenant_id: UUID
    embed_model: str
    embed_version: str
    chunks: int


class TermStore:
    """Writes the column ``terms`` where it is missing, and rows of ``term_statistics``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_missing(self, *, limit: int) -> int:
        """Make the terms of up to ``limit`` chunks that have none; returns how many there were."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["chunks_without_terms"], limit)
        made = await asyncio.to_thread(lambda: [_terms(row) for row in rows])
        if rows:
            async with self._database.connection() as connection:
                await connection.fetch(
                    SQL["set_terms"],
                    [row["chunk_id"] for row in rows],
                    [row["embed_model"] for row in rows],
                    [row["embed_version"] for row in rows],
                    made,
                )
        return len(rows)

    async def to_measure(self) -> list[MeasuredSpace]:
        """Where statistics are missing or do not fit any more."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["forget_statistics"], LEAST_MEASURED)
            rows = await connection.fetch(SQL["spaces_to_measure"], LEAST_MEASURED, GROWTH, OLDEST)
        return [MeasuredSpace(**row) for row in rows]

    async def measure(self, space: MeasuredSpace) -> None:
        """Take a sample of a space's chunks and keep how often its common terms occur."""
        async with self._database.connection() as connection:
            await connection.execute(
                SQL["measure_terms"],
                space.tenant_id,
                space.embed_model,
                space.embed_version,
                space.chunks,
                SAMPLE,
                LEAST_SHARE,
                SAMPLED_OF_DOCUMENT,
            )


def _terms(row: asyncpg.Record) -> bytes:
    return to_binary(
        term_vector(
            row["tenant_id"],
            filename=row["filename"],
            headings=row["heading_path"],
            context=row["context"],
            text=row["text"],
        )
    )
