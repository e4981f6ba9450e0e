"""Indexes of vectors, built with the memory that the settings allow."""

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.settings import Settings


def open_indexes(settings: Settings, database: Database) -> IndexStore:
    """The indexes."""
    return IndexStore(database, build_bytes=settings.index_build_bytes)
