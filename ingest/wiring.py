"""From settings to working parts: the only place that picks adapters."""

from datetime import timedelta
from pathlib import Path

from ingest.adapters.blob_store import ObjectBlobStore, open_blob_store
from ingest.adapters.local_parser import LocalParser
from ingest.adapters.postgres.chunk_store import ChunkStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.structure_splitter import StructureSplitter
from ingest.adapters.wordllama_embedder import WordllamaEmbedder
from ingest.domain.errors import ConfigurationError
from ingest.domain.retry import RetryPolicy
from ingest.lifecycle.claim import Pace
from ingest.settings import Settings


def database_url(settings: Settings) -> str:
    """The URL of the database.

    Raises:
        ConfigurationError: none is set; the embedded one is known only once it runs.
    """
    if settings.database_url is None:
        raise ConfigurationError("INGEST_DATABASE_URL is not set ('ingest up' sets it itself)")
    return settings.database_url.get_secret_value()


def open_database(settings: Settings) -> Database:
    """The database; connections open on first use."""
    return Database(
        database_url(settings),
        pool_size=settings.database_pool_size,
        pooler=settings.database_pooler,
    )


def blob_url(settings: Settings) -> str:
    """Where blobs are: the URL that is set, or a folder in the state folder."""
    if settings.blob_url is not None:
        return settings.blob_url
    return Path(settings.state_dir, "blobs").resolve().as_uri()


def open_blobs(settings: Settings) -> ObjectBlobStore:
    """The blob storage."""
    return open_blob_store(blob_url(settings), endpoint=settings.blob_endpoint)


def make_parser(settings: Settings) -> LocalParser:
    """The parser, with its limits."""
    return LocalParser(
        max_pages=settings.max_pages,
        max_text_chars=settings.max_text_chars,
        timeout=timedelta(seconds=settings.parse_timeout_seconds),
        memory_bytes=settings.parse_memory_bytes,
        processes=settings.parse_processes,
    )


def make_splitter(settings: Settings) -> StructureSplitter:
    """The splitter."""
    return StructureSplitter(
        max_tokens=settings.chunk_tokens, overlap_tokens=settings.chunk_overlap_tokens
    )


def make_embedder(settings: Settings) -> WordllamaEmbedder:
    """The embedder."""
    del settings
    return WordllamaEmbedder()


def make_chunk_store(settings: Settings, database: Database) -> ChunkStore:
    """The chunks, in the embedder's vector space and cut by the splitter."""
    return ChunkStore(
        database, make_embedder(settings).model, chunker=make_splitter(settings).label
    )


def pace(settings: Settings) -> Pace:
    """How much a stream claims, and for how long."""
    return Pace(
        wave_jobs=settings.wave_jobs,
        claim_ahead_jobs=settings.claim_ahead_jobs,
        lease=settings.lease,
        stage_timeout=timedelta(seconds=settings.stage_timeout_seconds),
    )


def retry_policy(settings: Settings) -> RetryPolicy:
    """When failed attempts are tried again."""
    return RetryPolicy(max_attempts=settings.max_attempts)
