"""Every named statement fits the schema, and is used."""

import re
from pathlib import Path

import pytest

from ingest.adapters.postgres import statements
from ingest.adapters.postgres.pool import Database

FOLDER = Path(statements.__file__).parent
TABLES = sorted(path.stem for path in (FOLDER / "sql").glob("*.sql"))
CODE = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py"))
DEFINITIONS = ("CREATE", "DROP", "ALTER")


@pytest.mark.parametrize("table", TABLES)
async def test_statements_can_be_prepared(table: str, database: Database) -> None:
    async with database.transaction() as connection:
        for written in statements.load(table).values():
            text = written.replace("{dimension}", "256")
            if text.startswith("CREATE TEMP"):
                await connection.execute(text)
            elif not text.startswith(DEFINITIONS):  # they cannot be prepared; other tests run them
                await connection.prepare(text)


@pytest.mark.parametrize("table", TABLES)
def test_no_statement_is_left_over(table: str) -> None:
    built = set(re.findall(r'f"(\w+_)\{\w+\}', CODE))
    for name in statements.load(table):
        used = f'"{name}"' in CODE or any(name.startswith(prefix) for prefix in built)
        assert used, f"{table}.{name} is used nowhere"
