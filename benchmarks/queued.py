"""Documents that are accepted but held back, to be set free all at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import psycopg

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.app.intake.upload import Intake, UploadRequest
from ingest.domain.identity import LOCAL_TENANT
from ingest.settings import Settings
from ingest.wiring.storage import open_blobs, open_database

_HOLD = "ALTER TABLE upload_pipeline.upload_jobs ALTER run_after SET DEFAULT now() + '1 day'"
_STOP_HOLDING = "ALTER TABLE upload_pipeline.upload_jobs ALTER run_after SET DEFAULT now()"
_FREE = "UPDATE upload_pipeline.upload_jobs SET run_after = now() WHERE state = 'queued'"
_UNFINISHED = "SELECT 1 FROM upload_pipeline.upload_jobs WHERE finished_at IS NULL LIMIT 1"
_POLL_SECONDS = 0.05
_RING = "SELECT pg_notify('ingest_jobs', 'interactive')"


def enqueue(url: str, blobs: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Accept files the way the gateway does, but let no stream claim them yet."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_HOLD)
    try:
        asyncio.run(_accept(url, blobs, files))
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_STOP_HOLDING)


def set_free(url: str) -> None:
    """Let the stream have what was held back."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_FREE)
        connection.execute(_RING)


def wait_until_done(url: str) -> None:
    """Return when no job is left that has not ended."""
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(_UNFINISHED).fetchone():
            time.sleep(_POLL_SECONDS)


async def _accept(url: str, blobs: Path, files: Iterable[tuple[str, bytes]]) -> None:
    settings = Settings(database_url=url, blob_url=blobs.as_uri())
    database = open_database(settings)
    intake = Intake(
        open_blobs(settings), DocumentStore(database), max_bytes=settings.max_upload_bytes
    )
    for filename, content in files:
        request = UploadRequest(LOCAL_TENANT, filename, correlation_id="benchmark")
        await intake.accept(request, _body(content))
    await database.close()


async def _body(content: bytes) -> AsyncIterator[bytes]:
    yield content
