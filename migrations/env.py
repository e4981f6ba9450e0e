"""Alembic's entrance: runs migrations on the connection that ``ingest migrate`` hands over."""

from alembic import context
from sqlalchemy import Connection, text

ADVISORY_LOCK = 7_246_102_311


def run(connection: Connection) -> None:
    """Apply the migrations, one transaction each, one process at a time."""
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    connection.commit()
    try:
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()


run(context.config.attributes["connection"])
