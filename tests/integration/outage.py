"""A database that goes away for a while."""

import contextlib
from collections.abc import Iterator

import psycopg


@contextlib.contextmanager
def away(server_url: str, database_url: str) -> Iterator[None]:
    """A database that takes no connections and has lost those it had."""
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
