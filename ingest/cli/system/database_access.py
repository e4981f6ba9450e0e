"""Direct access to the database, for commands that must work while the system is down."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from pydantic import SecretStr

from ingest.adapters.postgres.admin import inspection, migrate
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
from ingest.adapters.storage import state_folder
from ingest.cli.exit_codes import CommandFailed
from ingest.cli.output import say
from ingest.cli.process import run_async
from ingest.domain.errors import ConfigurationError
from ingest.settings import Settings
from ingest.wiring.storage import database_url


@contextmanager
def with_database(
    settings: Settings, *, folder: Path | None = None, leave: bool = False
) -> Iterator[Settings]:
    """Settings whose database answers for as long as the context lasts.

    Without a URL it is the embedded server: the one that is in use on the folder, or one that is
    started, and that is stopped again unless somebody else uses it by then. One that a killed
    process left behind is ended first.

    Args:
        settings: What is set.
        folder: Where the embedded server keeps its data, instead of the state folder.
        leave: Use one that was left behind as it is, and let it run.

    Raises:
        CommandFailed: the embedded server does not start.
        FolderRefused: the state folder holds files of others.
    """
    if settings.database_url is not None:
        yield settings
        return
    if folder is None:
        state_folder.claim(Path(settings.state_dir))
    server = EmbeddedPostgres(folder or Path(settings.state_dir), report=say, leave=leave)
    try:
        url = server.start()
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError, psutil.Error) as exc:
        raise CommandFailed(
            f"the embedded PostgreSQL in {str(server.folder)!r} does not start: {exc}"
        ) from exc
    try:
        yield settings.model_copy(update={"database_url": SecretStr(url)})
    finally:
        server.stop()


def claim_blob_folder(settings: Settings) -> None:
    """Make the state folder ours where blobs go to it, though the database is elsewhere.

    Raises:
        FolderRefused: it holds files of others.
    """
    if settings.blob_url is None:
        state_folder.claim(Path(settings.state_dir))


def inspect(settings: Settings) -> inspection.DatabaseFacts:
    """What the database is.

    Raises:
        ConfigurationError: the URL is none.
        StoreUnavailable: it cannot be reached.
    """
    return run_async(inspection.inspect(database_url(settings)))


def ensure_schema(settings: Settings) -> None:
    """Check that this code can run on the database's schema.

    Raises:
        ConfigurationError: it cannot.
        StoreUnavailable: it cannot be reached.
    """
    if wrong := inspect(settings).mismatch:
        raise ConfigurationError(f"{wrong}: {migrate.REMEDY}")
