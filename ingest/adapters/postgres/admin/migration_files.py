"""The migrations as files: SQL, whose first line says which revision it is.

``sql/NNNN_what.up.sql`` and ``.down.sql`` are one migration. The first line of the ``up`` file is

    -- revision: 0002, after: 0001, works from: 0001

"after" is missing in the first one. "works from" is the newest revision of the oldest code that
works with the schema afterwards; without it, only code that has the revision does. After ",
outside a transaction" at the end, the statements run one by one, as CREATE INDEX CONCURRENTLY
wants. A line ``-- include: functions/x.sql`` stands for that file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap

from ingest.domain.errors import ConfigurationError

_UP, _DOWN = ".up.sql", ".down.sql"
_HEADER = re.compile(
    r"-- revision: (?P<revision>\w+)(?:, after: (?P<after>\w+))?"
    r"(?:, works from: (?P<works_from>\w+))?(?P<alone>, outside a transaction)?"
)
_INCLUDE = re.compile(r"^-- include: (functions/\w+\.sql)$", re.MULTILINE)
_BODIES_LATER = "SET LOCAL check_function_bodies = off;\n"
"""A function may name what a later migration makes: its file is that of the newest schema."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    revision: str
    after: str | None
    works_from: str
    in_transaction: bool
    path: Path
    """Of the ``up`` file."""

    def run(self, context: MigrationContext, *, down: bool = False) -> None:
        """Execute the file.

        Raises:
            ConfigurationError: there is no way back from it.
        """
        path = self.path.with_name(self.path.name.removesuffix(_UP) + _DOWN) if down else self.path
        if not path.exists():
            raise ConfigurationError(f"there is no way back from schema {self.revision}")
        text = _with_functions(path)
        if self.in_transaction:
            execute(context, text)
            return
        with context.autocommit_block():
            for statement in text.split(";\n"):
                execute(context, statement)


def script_directory(folder: Path) -> ScriptDirectory:
    """The migrations of a folder, as Alembic wants them.

    Raises:
        ConfigurationError: there are none, or a first line does not say its revision.
    """
    scripts = ScriptDirectory(str(folder))
    found = [_script(migration) for migration in _read(folder)]
    if not found:
        raise ConfigurationError(f"there are no migrations in {str(folder)!r}")
    scripts.revision_map = RevisionMap(lambda: found)
    return scripts


def functions(folder: Path) -> str:
    """All statements that make the functions, to be executed in one transaction."""
    files = sorted((folder / "functions").glob("*.sql"))
    return _BODIES_LATER + "\n".join(path.read_text(encoding="utf-8") for path in files)


def execute(context: MigrationContext, text: str) -> None:
    """Run SQL as it stands."""
    assert context.connection is not None  # noqa: S101 - None is for writing SQL to a file
    driver: Any = context.connection.connection.driver_connection  # takes % and : as they stand
    connection: psycopg.Connection[Any] = driver
    connection.execute(text.encode())


def _read(folder: Path) -> Iterator[Migration]:
    for path in sorted((folder / "sql").glob(f"*{_UP}")):
        text = path.read_text(encoding="utf-8")
        header = _HEADER.fullmatch(text.partition("\n")[0])
        if header is None:
            raise ConfigurationError(f"the first line of {path.name} does not say its revision")
        yield Migration(
            revision=header["revision"],
            after=header["after"],
            works_from=header["works_from"] or header["revision"],
            in_transaction=header["alone"] is None,
            path=path,
        )


def _script(migration: Migration) -> Script:
    """What Alembic otherwise reads from a Python file."""
    module: Any = ModuleType(migration.path.name.removesuffix(_UP))
    module.revision, module.down_revision = migration.revision, migration.after
    module.works_from = migration.works_from
    module.upgrade = migration.run
    module.downgrade = lambda context: migration.run(context, down=True)
    return Script(module, migration.revision, str(migration.path))


def _with_functions(path: Path) -> str:
    folder = path.parents[1]
    text = path.read_text(encoding="utf-8")
    return _INCLUDE.sub(
        lambda include: _BODIES_LATER + (folder / include[1]).read_text(encoding="utf-8"), text
    )
