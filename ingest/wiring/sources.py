"""What takes in objects that are somewhere else, and what fetches them later."""

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.documents.reference_store import ReferenceStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.sources import Objects
from ingest.app.intake.fetch_source import SourceFetcher
from ingest.app.intake.upload import Intake
from ingest.settings import Settings
from ingest.wiring.storage import open_blobs


def open_objects(settings: Settings) -> Objects:
    """What can be listed and read."""
    return Objects(endpoint=settings.blob_endpoint, shared=settings.shared_paths)


def make_intake(settings: Settings, database: Database) -> Intake:
    """Who takes in bytes."""
    return Intake(
        open_blobs(settings),
        DocumentStore(database),
        max_bytes=settings.max_upload_bytes,
    )


def make_fetcher(settings: Settings, database: Database) -> SourceFetcher:
    """Who brings in what was registered by where it is."""
    return SourceFetcher(
        open_objects(settings),
        make_intake(settings, database),
        ReferenceStore(database),
        lease=settings.lease,
    )
