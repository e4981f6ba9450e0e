"""Direct access to the database, for commands that must work without a running system."""

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
    """Provide settings whose database answers for as long as the context lasts.

    Without a URL this is the embedded server. If none runs on the folder, one is started, and is
    stopped at the end unless another process uses it then. A server that a killed process left
    behind is ended first.

    Args:
        settings: The settings of the command.
        folder: Data folder of the embedded server; None is the one in the state folder.
        leave: Use a server that was left behind, and let it run.

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
    """Mark the state folder as ours when blobs are stored in it and the database is elsewhere.

    Raises:
        FolderRefused: the folder holds files of others.
    """
    if settings.blob_url is None:
        state_folder.claim(Path(settings.state_dir))


def inspect(settings: Settings) -> inspection.DatabaseFacts:
    """Read the version, the extensions and the schema of the database.

    Raises:
        ConfigurationError: the URL is not valid.
        StoreUnavailable: the database cannot be reached.
    """
    return run_async(inspection.inspect(database_url(settings)))


def ensure_schema(settings: Settings) -> None:
    """Check that this code can run on the database's schema.

    Raises:
        ConfigurationError: the schema is another one.
        StoreUnavailable: the database cannot be reached.
    """
    if wrong := inspect(settings).mismatch:
        raise ConfigurationError(f"{wrong}: {migrate.REMEDY}")
