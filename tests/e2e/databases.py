"""Databases that whole systems work on, and that tests look into."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.conftest import on_database
from tests.ledger import Ledger


@contextmanager
def new_ledger(server_url: str, template: str, name: str) -> Iterator[Ledger]:
    """A migrated, empty database of this name, removed in the end."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    yield Ledger(on_database(server_url, name))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
