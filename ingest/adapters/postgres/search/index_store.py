"""Vector spaces and their HNSW indexes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import structlog

from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.postgres.statements import load
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import ConfigurationError
from ingest.domain.index_kind import IndexKind, bytes_to_build

log = structlog.get_logger(module=__name__)
SQL = load("embedding_models")
BUILD_SECONDS = 7 * 24 * 3600.0
"""Longest that building an index may take; asyncpg reads None as the pool's own limit."""


async def model_row(connection: Connection, model: EmbeddingModel) -> asyncpg.Record:
    """The row of a model.

    Raises:
        ConfigurationError: the database does not know it, or with another dimension.
    """
    row = await connection.fetchrow(SQL["get_model"], model.name, model.version)
    if row is None or row["dimension"] != model.dimension:
        raise unknown_space(model, row)
    return row


def unknown_space(model: EmbeddingModel, row: asyncpg.Record | None) -> ConfigurationError:
    """Say that the database knows a model with another dimension (``row``), or not at all."""
    known = f"with dimension {row['dimension']}" if row else "not at all"
    return ConfigurationError(
        f"the database knows {model.label} (dimension {model.dimension}) {known}"
    )


@dataclass(frozen=True, slots=True)
class IndexedSpace:
    """A vector space and its index."""

    embed_model: str
    embed_version: str
    dimension: int
    index_kind: IndexKind
    ef_construction: int
    """How carefully the index is built."""
    bytes: int | None
    """Of the index; None: there is none, and search is exact."""
    usable: bool
    """Whether search uses it; not while it is built or after a build that failed."""
    vectors: int | None
    """About how many it holds."""
    ef_search: int
    """Candidates of a search, where nothing was measured for the tenant."""
    measured: int
    """Tenants whose search was measured with their own questions."""
    exact: int
    """Of those, the ones that are searched exactly, because the index misses too much."""
    mean_recall: float | None
    worst_recall: float | None
    """Over the measured tenants, what search finds of the ten nearest chunks; None: of none."""


@dataclass(frozen=True, slots=True)
class IndexBuildProgress:
    """Of an index that is built."""

    phase: str
    done: int
    total: int
    """Blocks or rows, whichever the phase counts; 0: it does not."""


class IndexStore:
    """Rows of ``embedding_models`` and the indexes they name."""

    def __init__(self, database: Database, *, build_bytes: int = 0) -> None:
        """Open the store; indexes are built with up to so much memory, or what the server gives."""
        self._database = database
        self._build_bytes = build_bytes

    async def kind(self, model: EmbeddingModel) -> IndexKind:
        """How a model's vectors are indexed."""
        async with self._database.connection() as connection:
            return IndexKind((await model_row(connection, model))["index_kind"])

    async def rebuild(
        self, model: EmbeddingModel, kind: IndexKind, *, ef_construction: int | None = None
    ) -> None:
        """Build a model's index as ``kind`` beside the old one, then let search follow it.

        It is built as carefully as the last one, unless told otherwise. Writes go on meanwhile.
        Search finds one of the two indexes at every moment: the old one is dropped after the
        model's row names the new kind.
        """
        async with self._database.connection() as connection:
            row = await model_row(connection, model)
            name = str(row["index_name"])
            fresh = f"{name}_{kind}"
            ef_construction = ef_construction or int(row["ef_construction"])
            create = await self._create(
                connection, model, kind, index=fresh, ef_construction=ef_construction
            )
            for most_bytes in (self._build_bytes, 0):
                await connection.execute(_statement("drop_index", index=fresh))
                try:
                    async with self._memory(connection, model, kind, most_bytes):
                        await connection.execute(create, timeout=BUILD_SECONDS)
                    break
                except (asyncpg.DiskFullError, asyncpg.OutOfMemoryError) as exc:
                    if not most_bytes:
                        raise
                    log.warning("index built again with less memory", reason=str(exc))
            await connection.execute(
                SQL["set_index_kind"], model.name, model.version, kind, ef_construction
            )
            await connection.execute(SQL["measure_again"], model.name, model.version)
            await connection.execute(_statement("drop_index", index=name))
            await connection.execute(_statement("rename_index", index=fresh, name=name))

    @asynccontextmanager
    async def _memory(
        self, connection: Connection, model: EmbeddingModel, kind: IndexKind, most_bytes: int
    ) -> AsyncIterator[None]:
        """Let a session take what a build needs; behind a pooler it is not one's own to change."""
        if not most_bytes or self._database.pooler:
            yield
            return
        each = bytes_to_build(kind, dimension=model.dimension, vectors=1)
        vectors = await connection.fetchval(
            SQL["count_stored"],
            model.name,
            model.version,
            most_bytes // each,
            timeout=BUILD_SECONDS,
        )
        await connection.execute(SQL["raise_build_memory"], vectors * each // 1024)
        try:
            yield
        finally:
            await connection.execute(SQL["reset_build_memory"])

    async def drop(self, model: EmbeddingModel) -> None:
        """Remove a model's index, for a bulk load; search is exact, and slow, until a rebuild."""
        async with self._database.connection() as connection:
            row = await model_row(connection, model)
            await connection.execute(_statement("drop_index", index=row["index_name"]))

    async def stored(self, model: EmbeddingModel, *, most: int) -> int:
        """Chunks in a model's space, counted up to ``most``."""
        async with self._database.connection() as connection:
            return int(
                await connection.fetchval(SQL["count_stored"], model.name, model.version, most)
            )

    async def is_usable(self, model: EmbeddingModel) -> bool:
        """Whether a model's vectors have an index that search uses."""
        return any(
            space.usable and (space.embed_model, space.embed_version) == (model.name, model.version)
            for space in await self.spaces()
        )

    async def spaces(self) -> list[IndexedSpace]:
        """All vector spaces."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["list_spaces"])
        return [IndexedSpace(**{**row, "index_kind": IndexKind(row["index_kind"])}) for row in rows]

    async def progress(self) -> IndexBuildProgress | None:
        """Of the index that is built at the moment, if one is."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["watch_build"])
        if row is None:
            return None
        by_tuples = row["tuples_total"] > 0
        counted = "tuples" if by_tuples else "blocks"
        return IndexBuildProgress(row["phase"], row[f"{counted}_done"], row[f"{counted}_total"])

    async def _create(
        self,
        connection: Connection,
        model: EmbeddingModel,
        kind: IndexKind,
        *,
        index: str,
        ef_construction: int,
    ) -> str:
        quoted = await connection.fetchrow(
            "SELECT quote_literal($1) AS model, quote_literal($2) AS version",
            model.name,
            model.version,
        )
        return _statement(
            f"create_{kind}_index",
            index=index,
            dimension=model.dimension,
            model=quoted["model"],
            version=quoted["version"],
            ef_construction=ef_construction,
        )


def _statement(name: str, /, **parts: object) -> str:
    """Fill in what DDL cannot take as parameters; names come from our own table."""
    return SQL[name].format(**parts)
