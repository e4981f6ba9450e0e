"""Bringing a database to the schema of this code, and refusing one that is not there."""

from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory

from ingest.domain.errors import ConfigurationError

_PACKAGED = Path(__file__).parents[2] / "_migrations"
_CHECKOUT = Path(__file__).parents[3] / "migrations"
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
        url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sqlalchemy.NullPool
    )
    config = _config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


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


async def ensure_current(connection: asyncpg.Connection) -> None:
    """Check that a database has exactly this code's schema.

    Raises:
        ConfigurationError: it is older (run ``ingest migrate``) or newer (run newer code).
    """
    found, wanted = await current(connection), head()
    if found != wanted:
        raise ConfigurationError(
            f"the database is at schema {found or 'none'}, this code needs {wanted}: "
            "run 'ingest migrate', or the version of ingest that fits"
        )
