"""Tenants whose vectors lie close together or in each other's way, with vectors of real texts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid5

import numpy as np

from benchmarks import real_texts
from ingest.adapters.embedders.wordllama import WordllamaEmbedder
from ingest.adapters.postgres.documents.chunk_rows import COLUMNS
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.domain.embedding import Vectors
from ingest.domain.index_kind import IndexKind
from tests import builders
from tests.builders import MODEL

NOTES, CROWDED, HOSTILE, SMALL = (UUID(int=number) for number in range(1, 5))
"""A tenant with near-equal notes, a large one, one that crowds round its questions, a small one."""
CROWDED_COUNT, HOSTILE_COUNT, SMALL_COUNT = 20_500, 5_000, 12
PER_DOCUMENT = 25
NOTE_DOCUMENTS = 400
_NAMESPACE = UUID(int=9)
_DOCUMENTS = """
    INSERT INTO upload_pipeline.documents (document_id, tenant_id, name, filename, media_type,
        bytes_len, file_sha256, raw_key, live_generation, chunk_count)
    SELECT id, $1, id::text, 'note.txt', 'text/plain', 1, repeat('0', 64), id::text, 1, count
    FROM unnest($2::uuid[], $3::integer[]) AS d (id, count)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a tenant has."""

    tenant_id: UUID
    vectors: Vectors

    def document_id(self, at: int) -> UUID:
        """Of the chunk with this number."""
        return uuid5(_NAMESPACE, f"{self.tenant_id}/{at // PER_DOCUMENT}")

    def chunk_id(self, at: int) -> UUID:
        return uuid5(_NAMESPACE, f"{self.tenant_id}/chunk/{at}")

    def best_scores(self, question: Vectors, k: int = 10) -> list[float]:
        """Cosines of the nearest, by plain arithmetic."""
        return sorted((self.vectors @ question).tolist(), reverse=True)[:k]


@cache
def embed(texts: tuple[str, ...]) -> Vectors:
    return asyncio.run(WordllamaEmbedder().embed(list(texts)))


@cache
def questions() -> Vectors:
    """What people ask."""
    return embed(real_texts.QUESTIONS)


@cache
def tenants() -> dict[UUID, Stored]:
    """What each tenant stores."""
    texts = real_texts.passages(CROWDED_COUNT, words=14)
    crowded = embed((*texts, *real_texts.FACTS))
    notes = real_texts.shuffled_notes(20 * NOTE_DOCUMENTS)
    alike = embed((*texts[:1500], *notes, *real_texts.FACTS))
    small = embed(tuple(texts[:SMALL_COUNT]))
    found = {NOTES: alike, CROWDED: crowded, HOSTILE: around(questions()[0]), SMALL: small}
    return {tenant_id: Stored(tenant_id, vectors) for tenant_id, vectors in found.items()}


def around(question: Vectors) -> Vectors:
    """Vectors close to a question, on every side of it."""
    away = builders.some_vectors(HOSTILE_COUNT, MODEL, seed=5)
    made = question + 0.35 * away
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


async def fill(url: str) -> None:
    """Store what the tenants have, and index it."""
    database = Database(url)
    await IndexStore(database).drop(MODEL)
    for stored in tenants().values():
        await store(database, stored)
    await IndexStore(database).rebuild(MODEL, IndexKind.HALFVEC)
    for table in ("documents", "document_chunks"):
        await builders.execute(database, f"VACUUM ANALYZE upload_pipeline.{table}")
    await database.close()


async def store(database: Database, stored: Stored) -> None:
    count = len(stored.vectors)
    starts = range(0, count, PER_DOCUMENT)
    async with database.transaction() as connection:
        await connection.execute(
            _DOCUMENTS,
            stored.tenant_id,
            [stored.document_id(at) for at in starts],
            [min(PER_DOCUMENT, count - at) for at in starts],
        )
        await connection.copy_records_to_table(
            "document_chunks",
            schema_name="upload_pipeline",
            records=[_record(stored, at) for at in range(count)],
            columns=COLUMNS,
        )


def _record(stored: Stored, at: int) -> Sequence[object]:
    return (
        stored.chunk_id(at), stored.tenant_id, stored.document_id(at), 1, at % PER_DOCUMENT, 0, 1,
        None, [], 1, None, f"passage {at}", bytes(32), "test", MODEL.name, MODEL.version,
        MODEL.dimension, stored.vectors[at], None,
    )  # fmt: skip
