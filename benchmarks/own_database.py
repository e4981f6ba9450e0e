"""A folder and a migrated database for one benchmark, gone when it ends; and what changes it."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.domain.embedding_model import EmbeddingModel
from ingest.domain.index_kind import IndexKind


@contextmanager
def own_database() -> Iterator[tuple[Path, str]]:
    """The folder, which holds the database, too, and the URL.

    Its name is short: Ray's sockets, whose paths may have no more than 107 characters, go below it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="b-") as name,
        EmbeddedPostgres(Path(name)) as server,
    ):
        url = server.start()
        migrate.upgrade(url)
        yield Path(name), url


def empty(url: str) -> None:
    """Remove all documents, with their jobs and chunks, and write what is left to disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE upload_pipeline.documents, upload_pipeline.events CASCADE")
        connection.execute("CHECKPOINT")


def set_index(url: str, model: EmbeddingModel, *, present: bool) -> None:
    """Have an HNSW index of a vector space, or not."""

    async def change() -> None:
        database = Database(url)
        store = IndexStore(database)
        if present:
            await store.rebuild(model, IndexKind.HALFVEC)
        else:
            await store.drop(model)
        await database.close()

    asyncio.run(change())
