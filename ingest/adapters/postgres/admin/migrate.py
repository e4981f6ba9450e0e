"""Bringing a database to the schema of this code, and refusing one that is not there."""

from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import sqlalchemy
import sqlalchemy.exc
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from ingest.adapters.postgres.statements import load
from ingest.domain.errors import ConfigurationError

REMEDY = "run 'ingest migrate', or the version of ingest that fits, or grant the role"
STEPS = load("schema_steps")
_PACKAGED = Path(__file__).parents[3] / "_migrations"
_CHECKOUT = Path(__file__).parents[4] / "migrations"
MIGRATIONS = _PACKAGED if (_PACKAGED / "env.py").exists() else _CHECKOUT


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def head() -> str:
    """The newest revision this code knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise ConfigurationError(f"there are no migrations in {str(MIGRATIONS)!r}")
    return revision


def revisions() -> tuple[str, ...]:
    """Every revision this code knows, oldest first."""
    walked = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(script.revision for script in walked)[::-1]


def _run(url: str, revision: str, *, down: bool) -> None:
    engine = sqlalchemy.create_engine(
        f"postgresql+psycopg://{url.partition('://')[2]}", poolclass=sqlalchemy.NullPool
    )
    config = _config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        try:
            (command.downgrade if down else command.upgrade)(config, revision)
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
    return f"{wanted} (docs/operations.md, 'Your own PostgreSQL server')"


def upgrade(url: str, revision: str = "head") -> None:
    """Apply migrations, one process at a time; at the newest already, change nothing."""
    _run(url, revision, down=False)


def downgrade(url: str, revision: str) -> None:
    """Undo migrations down to a revision, or ``base``. Data of dropped tables is lost."""
    _run(url, revision, down=True)


def run_sql(name: str, *, in_transaction: bool = True) -> None:
    """Execute ``sql/<name>.sql`` as it stands; what each revision does.

    Args:
        name: The file, without its ending.
        in_transaction: False for statements that cannot run in one; they run one by one.
    """
    text = (MIGRATIONS / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    if in_transaction:
        _execute(text)
        return
    with op.get_context().autocommit_block():
        for statement in text.split(";\n"):
            _execute(statement)


def _execute(text: str) -> None:
    driver: Any = op.get_bind().connection.driver_connection  # takes % and : as they stand
    driver.execute(text)


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
    missing: str | None = await connection.fetchval(STEPS["missing_roles"])
    return missing


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
