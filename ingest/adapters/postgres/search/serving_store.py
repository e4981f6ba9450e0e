"""Which vector space serves whom, and moving tenants from one to another."""

from collections.abc import Collection, Sequence
from uuid import UUID

from pgvector import Vector

from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.statements import load
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.serving_space import Embed, Move, PageKey, Serving, Unembedded

SQL = load("serving_spaces")
_ROWS = 2_000


class ServingStore:
    """Rows of ``serving_spaces``, and rows of ``document_chunks`` beside those that serve."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def served_in(self, tenant_id: UUID) -> str | None:
        """The label of the space that serves a tenant; None: the settings'."""
        async with self._database.connection() as connection:
            label: str | None = await connection.fetchval(SQL["served_in"], tenant_id)
        return label

    async def labels(self) -> set[str]:
        """Of the spaces that serve any tenant, as far as rows say so."""
        async with self._database.connection() as connection:
            return {row["label"] for row in await connection.fetch(SQL["serving_labels"])}

    async def list_all(self) -> list[Serving]:
        """How every tenant with documents is served, the default of all others first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["list_serving"])
        return [Serving(**row) for row in rows]

    async def tenants(self, source: EmbeddingModel, *, by_default: bool) -> list[UUID]:
        """Tenants that a space serves; ``by_default``: it is the settings'."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL["tenants_to_move"], source.name, source.version, by_default
            )
        return [row["tenant_id"] for row in rows]

    async def count_missing(self, users: Sequence[UUID], move: Move) -> tuple[int, int]:
        """Chunks of tenants that have no vector in the target space yet, and their tokens."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["count_missing"], list(users), *_names(move))
        return row["chunks"], row["tokens"]

    async def begin(self, tenant_id: UUID, move: Move) -> None:
        """Keep vectors of the target from now on."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["begin_move"], tenant_id, *_names(move))

    async def missing(
        self, tenant_id: UUID, move: Move, *, after: PageKey | None, page: int
    ) -> tuple[list[Unembedded], PageKey | None]:
        """What is to be embedded of a page of documents, and where the next begins, if it does."""
        async with self._database.connection() as connection:
            documents = await connection.fetch(
                SQL["next_documents"], tenant_id, *(after or (None, None)), page
            )
            rows = await connection.fetch(
                SQL["missing_vectors"], [row["document_id"] for row in documents], *_names(move)
            )
        last = documents[-1] if documents else None
        return (
            [Unembedded(*row.values()) for row in rows],
            (last["created_at"], last["document_id"]) if last else None,
        )

    async def put(
        self, tenant_id: UUID, move: Move, chunks: Sequence[Unembedded], vectors: Vectors
    ) -> None:
        """Store vectors, float32[n, dimension], beside those that serve."""
        async with self._database.connection() as connection:
            await _insert(connection, move, chunks, vectors)

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
        names = _names(move)
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lock_serving_space"], tenant_id)
            rows = await connection.fetch(
                SQL["missing_of_tenant"], tenant_id, *names, most + 1, list(without)
            )
            if len(rows) > most:
                return False
            if rows:
                await _insert(
                    connection, move, *await embed([Unembedded(*r.values()) for r in rows])
                )
            for statement in ("delete_left_behind", "move_beside", "flip_documents", "set_serving"):
                await connection.execute(SQL[statement], tenant_id, *names)
        return True

    async def set_default(self, move: Move) -> None:
        """Serve tenants that come from now on by the target; the others stay where they are."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lock_serving_space"], ALL_TENANTS)
            served = await connection.fetchval(SQL["served_in"], ALL_TENANTS)
            if served in (None, move.source.label):
                await connection.execute(SQL["pin_tenants"], *_names(move)[:2])
                await connection.execute(SQL["set_serving"], ALL_TENANTS, *_names(move))

    async def uses(self, model: EmbeddingModel) -> tuple[int, int]:
        """How many tenants a space serves by a row, and how many documents it holds."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["users_of_space"], model.name, model.version)
        return row["tenants"], row["documents"]

    async def delete(self, model: EmbeddingModel) -> int:
        """Remove all vectors of a space that serves nobody; returns how many there were."""
        removed = 0
        async with self._database.connection() as connection:
            await connection.execute(SQL["forget_other"], model.name, model.version)
            while True:
                tag = await connection.execute(
                    SQL["delete_space"], model.name, model.version, _ROWS
                )
                count = int(tag.rpartition(" ")[2])
                removed += count
                if count < _ROWS:
                    return removed


async def _insert(
    connection: Connection, move: Move, chunks: Sequence[Unembedded], vectors: Vectors
) -> None:
    await connection.execute(
        SQL["insert_beside"],
        [chunk.chunk_id for chunk in chunks],
        [Vector(vector) for vector in vectors],  # an array in a list would be a matrix
        *_names(move),
        move.target.dimension,
    )


def _names(move: Move) -> tuple[str, str, str, str]:
    source, target = move.source, move.target
    return source.name, source.version, target.name, target.version
