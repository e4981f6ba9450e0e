"""Alembic's entrance: runs migrations on the connection that ``ingest migrate`` hands over."""

import time
from typing import Any

from alembic import context
from sqlalchemy import Connection, text

ADVISORY_LOCK = 7_246_102_311
_ADD = """
INSERT INTO upload_pipeline.schema_steps (revision, works_from)
VALUES (:revision, :works_from)
"""
_REMOVE = "DELETE FROM upload_pipeline.schema_steps WHERE revision = :revision"


def _lock(connection: Connection) -> bool:
    got = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    connection.commit()
    return bool(got)


def _record(*, ctx: Any, step: Any, **_: object) -> None:
    """Note, as part of the migration, which code works with the schema that it leaves.

    A revision says so by ``works_from``, the newest revision of the oldest such code; without it
    only code that has the revision does.
    """
    script = step.up_revision
    known = text("SELECT to_regclass('upload_pipeline.schema_steps')")
    if ctx.connection.scalar(known) is None:
        return
    row = {
        "revision": script.revision,
        "works_from": getattr(script.module, "works_from", script.revision),
    }
    ctx.connection.execute(text(_ADD if step.is_upgrade else _REMOVE), row)


def run(connection: Connection) -> None:
    """Apply the migrations, one transaction each, one process at a time."""
    # Asked for again and again: who sleeps in the lock would hold up an index that is built
    # concurrently, which waits for every open snapshot.
    while not _lock(connection):
        time.sleep(0.1)
    try:
        context.configure(
            connection=connection, transaction_per_migration=True, on_version_apply=_record
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()


run(context.config.attributes["connection"])
