"""Bringing a database to the schema of this code, and refusing one that is not there."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import sqlalchemy
import sqlalchemy.exc
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

from ingest.adapters.postgres.admin import migration_files, vector_spaces
from ingest.adapters.postgres.statements import load
from ingest.domain.errors import ConfigurationError

REMEDY = "run 'ingest migrate', or the version of ingest that fits, or grant the role"
STEPS = load("schema_steps")
_ADD_STEP = sqlalchemy.text(
    "INSERT INTO upload_pipeline.schema_steps (revision, works_from)"
    " VALUES (:revision, :works_from)"
)
_REMOVE_STEP = sqlalchemy.text(
    "DELETE FROM upload_pipeline.schema_steps WHERE revision = :revision"
)
_PACKAGED = Path(__file__).parents[3] / "_migrations"
_CHECKOUT = Path(__file__).parents[4] / "migrations"
MIGRATIONS = _PACKAGED if (_PACKAGED / "sql").exists() else _CHECKOUT
_ADVISORY_LOCK = 7_246_102_311


def head() -> str:
    """The newest revision this code knows."""
    return revisions()[-1]


def revisions() -> tuple[str, ...]:
    """Every revision this code knows, oldest first."""
    walked = migration_files.script_directory(MIGRATIONS).walk_revisions()
    return tuple(script.revision for script in walked)[::-1]


def upgrade(url: str, revision: str = "head") -> None:
    """Apply migrations, one process at a time; at the newest schema, make its functions again.

    A database at the newest schema only gets the functions as this code has them, and the vector
    spaces that it lacks.
    """
    _run(url, revision, down=False)


def downgrade(url: str, revision: str) -> None:
    """Undo migrations down to a revision, or ``base``. Data of dropped tables is lost."""
    _run(url, revision, down=True)


def _run(url: str, revision: str, *, down: bool) -> None:
    engine = sqlalchemy.create_engine(
        f"postgresql+psycopg://{url.partition('://')[2]}", poolclass=sqlalchemy.NullPool
    )
    with engine.connect() as connection:
        try:
            with _alone(connection):
                _apply(connection, revision, down=down)
        except CommandError as exc:  # such as a revision that this code has never seen
            raise ConfigurationError(f"the migrations cannot run: {exc}") from exc
        except (psycopg.Error, sqlalchemy.exc.DBAPIError) as exc:
            refused = exc.orig if isinstance(exc, sqlalchemy.exc.DBAPIError) else exc
            if (remedy := _remedy(refused, connection.engine.url)) is None:
                raise
            message = str(refused).splitlines()[0]
            raise ConfigurationError(
                f"the database refuses to migrate: {message}; {remedy}"
            ) from exc


@contextmanager
def _alone(connection: sqlalchemy.Connection) -> Iterator[None]:
    """One process at a time migrates a database."""
    # Asked for again and again: who sleeps in the lock would hold up an index that is built
    # concurrently, which waits for every open snapshot.
    while not _locks(connection, "pg_try_advisory_lock"):
        time.sleep(0.1)
    try:
        yield
    finally:
        connection.rollback()
        _locks(connection, "pg_advisory_unlock")


def _locks(connection: sqlalchemy.Connection, function: str) -> bool:
    done = connection.scalar(sqlalchemy.text(f"SELECT {function}(:key)"), {"key": _ADVISORY_LOCK})
    connection.commit()
    return bool(done)


def _apply(connection: sqlalchemy.Connection, revision: str, *, down: bool) -> None:
    """Run the migrations, one transaction each; then the functions, in one transaction."""
    scripts = migration_files.script_directory(MIGRATIONS)
    steps = scripts._downgrade_revs if down else scripts._upgrade_revs
    context = MigrationContext.configure(
        connection,
        opts={
            "fn": lambda at, _: steps(revision, at),
            "transaction_per_migration": True,
            "on_version_apply": (_record,),
        },
    )
    with context.begin_transaction():
        context.run_migrations(context=context)
    if not down and context.get_current_revision() == head():
        # The files are those of the newest schema: an older one keeps the functions it has.
        migration_files.execute(context, migration_files.functions(MIGRATIONS))
        connection.commit()
        vector_spaces.register(connection)


def _record(*, ctx: MigrationContext, step: Any, **_: object) -> None:
    """Note, as part of the migration, which code works with the schema that it leaves."""
    script = step.up_revision
    connection = ctx.connection
    known = sqlalchemy.text("SELECT to_regclass('upload_pipeline.schema_steps')")
    if connection is None or connection.scalar(known) is None:
        return
    if step.is_upgrade:
        row = {"revision": script.revision, "works_from": script.module.works_from}
        connection.execute(_ADD_STEP, row)
    else:
        connection.execute(_REMOVE_STEP, {"revision": script.revision})


def _remedy(error: BaseException | None, url: sqlalchemy.URL) -> str | None:
    """What somebody with more rights has to do once; None for other errors."""
    message = str(error)
    if isinstance(error, psycopg.errors.FeatureNotSupported | psycopg.errors.UndefinedFile):
        return "install pgvector 0.8 or newer on the server" if '"vector"' in message else None
    if not isinstance(error, psycopg.errors.InsufficientPrivilege):
        return None
    login = f'"{url.username}"' if url.username else "the login"
    if "extension" in message:
        wanted = "a superuser has to run once in this database: CREATE EXTENSION vector"
    elif "role" in message:
        made = (
            ""
            if "may not create" not in message
            else "CREATE ROLE ingest_worker; CREATE ROLE ingest_api; "
        )
        wanted = f"a superuser has to run once: {made}GRANT ingest_worker, ingest_api TO {login}"
    elif "for database" in message:
        wanted = f'its owner has to run once: GRANT CREATE ON DATABASE "{url.database}" TO {login}'
    elif "for schema public" in message:
        wanted = f"its owner has to run once: GRANT CREATE ON SCHEMA public TO {login}"
    else:
        wanted = "use the login that migrated before, or a superuser"
    return f"{wanted} (docs/deploy.md, 'Your own PostgreSQL server')"


async def current(connection: asyncpg.Connection) -> str | None:
    """The revision a database is at; None for an empty one."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


async def mismatch(connection: asyncpg.Connection) -> str | None:
    """Why this code cannot run on a database with this login; None when it can.

    It can on its own schema, and on a newer one of which every step works with code as old as
    this. Only the database knows: the code has never seen those steps.
    """
    if wrong := await _schema_mismatch(connection):
        return wrong
    lacks: str | None = await connection.fetchval(STEPS["missing_roles"])
    return lacks or await vector_spaces.missing(connection)


async def _schema_mismatch(connection: asyncpg.Connection) -> str | None:
    found, wanted = await current(connection), head()
    if found == wanted:
        return None
    if found is None or found in revisions():
        return f"the database is at schema {found or 'none'}, this code needs {wanted}"
    needs = found
    if await connection.fetchval("SELECT to_regclass('upload_pipeline.schema_steps')"):
        needs = await connection.fetchval(STEPS["oldest_code"], wanted) or found
    if needs <= wanted:
        return None
    return f"the database is at schema {found}, which needs code of {needs}; this code has {wanted}"


async def ensure_compatible(connection: asyncpg.Connection) -> None:
    """Check that this code can run on a database.

    Raises:
        ConfigurationError: it is older (run ``ingest migrate``), too new (run newer code), or
            the login lacks a role.
    """
    if wrong := await mismatch(connection):
        raise ConfigurationError(f"{wrong}: {REMEDY}")
