"""Database and blob storage, as the settings name them."""

from pathlib import Path

from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.blob_store import ObjectBlobStore, open_blob_store
from ingest.domain.errors import ConfigurationError
from ingest.settings import Settings


def database_url(settings: Settings) -> str:
    """The URL of the database.

    Raises:
        ConfigurationError: none is set; the embedded one is known only once it runs.
    """
    if settings.database_url is None:
        raise ConfigurationError("INGEST_DATABASE_URL is not set ('ingest up' sets it itself)")
    return settings.database_url.get_secret_value()


def open_database(settings: Settings, *, plans_once: bool = False) -> Database:
    """The database; connections open on first use, and plan as ``Database`` says."""
    return Database(
        database_url(settings),
        pool_size=settings.database_pool_size,
        pooler=settings.database_pooler,
        plans_once=plans_once,
    )


def blob_url(settings: Settings) -> str:
    """Where blobs are: the URL that is set, or a folder in the state folder."""
    if settings.blob_url is not None:
        return settings.blob_url
    return Path(settings.state_dir, "blobs").resolve().as_uri()


def open_blobs(settings: Settings) -> ObjectBlobStore:
    """The blob storage."""
    return open_blob_store(blob_url(settings), endpoint=settings.blob_endpoint)
