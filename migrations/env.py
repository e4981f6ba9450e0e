"""Alembic's entrance: runs migrations on the connection that ``ingest migrate`` hands over."""

import time

from alembic import context
from sqlalchemy import Connection, text

ADVISORY_LOCK = 7_246_102_311


def _lock(connection: Connection) -> bool:
    got = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    connection.commit()
    return bool(got)


def run(connection: Connection) -> None:
    """Apply the migrations, one transaction each, one process at a time."""
    # Asked for again and again: who sleeps in the lock would hold up an index that is built
    # concurrently, which waits for every open snapshot.
    while not _lock(connection):
        time.sleep(0.1)
    try:
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()


run(context.config.attributes["connection"])
