"""A folder and a migrated database for one benchmark, gone when it ends."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres


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
