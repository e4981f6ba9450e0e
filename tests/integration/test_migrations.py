"""Migrations go up, down and up again, and another schema is refused."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import asyncpg
import psycopg
import pytest

from ingest.adapters.postgres.admin import migrate
from ingest.domain.errors import ConfigurationError
from tests.conftest import on_database

REVISIONS = [f"{number:04}" for number in range(1, 30)]
DESCRIBE = """
SELECT string_agg(line, chr(10) ORDER BY line) FROM (
    SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable,
        column_default) AS line
    FROM information_schema.columns WHERE table_schema = 'upload_pipeline'
    UNION ALL
    SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'upload_pipeline'::regnamespace
    UNION ALL
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'upload_pipeline'
    UNION ALL
    SELECT pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = 'upload_pipeline'::regnamespace
    UNION ALL
    SELECT pg_get_triggerdef(oid) FROM pg_trigger
    WHERE tgrelid::regclass::text LIKE 'upload_pipeline.%' AND NOT tgisinternal
    UNION ALL
    SELECT format('%s %s %s %s', relname, relrowsecurity, relforcerowsecurity, coalesce(
        relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, relowner)
    ))
    FROM pg_class WHERE relnamespace = 'upload_pipeline'::regnamespace AND relkind IN ('r', 'S')
    UNION ALL
    SELECT format('%s %s %s %s %s %s', tablename, policyname, roles, cmd, qual, with_check)
    FROM pg_policies WHERE schemaname = 'upload_pipeline'
) AS lines (line)
"""


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS migrations_test WITH (FORCE)")
        connection.execute("CREATE DATABASE migrations_test")
    yield on_database(server_url, "migrations_test")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE migrations_test WITH (FORCE)")


def describe(url: str) -> str | None:
    with psycopg.connect(url) as connection:
        there = connection.execute("SELECT to_regnamespace('upload_pipeline')").fetchone()
        if there == (None,):
            return None
        row = connection.execute(DESCRIBE).fetchone()
    assert row is not None
    return str(row[0])


def test_up_down_and_up_again_give_the_same_schema_at_every_step(empty_url: str) -> None:
    seen: dict[str, str | None] = {"base": describe(empty_url)}
    for revision in REVISIONS:
        migrate.upgrade(empty_url, revision)
        seen[revision] = describe(empty_url)
    assert len(set(seen.values())) == len(seen)

    for revision in ["base", *REVISIONS][-2::-1]:
        migrate.downgrade(empty_url, revision)
        assert (describe(empty_url) or "") == (seen[revision] or ""), revision

    migrate.upgrade(empty_url)
    assert describe(empty_url) == seen[REVISIONS[-1]]


def test_processes_that_migrate_at_once_do_it_once(empty_url: str) -> None:
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(migrate.upgrade, [empty_url] * 3))

    assert describe(empty_url)


def test_the_newest_revision_is_the_last_file() -> None:
    files = sorted(path.name[:4] for path in Path(migrate.MIGRATIONS, "sql").glob("*.up.sql"))

    assert files == REVISIONS
    assert migrate.head() == files[-1]


@pytest.mark.parametrize(("revision", "found"), [(None, "none"), ("0003", "0003")])
def test_another_schema_is_refused_by_name(
    empty_url: str, revision: str | None, found: str
) -> None:
    if revision:
        migrate.upgrade(empty_url, revision)

    with pytest.raises(
        ConfigurationError, match=f"at schema {found}, this code needs {REVISIONS[-1]}"
    ):
        check(empty_url)


def check(url: str) -> None:
    async def ensure() -> None:
        connection = await asyncpg.connect(url)
        try:
            await migrate.ensure_compatible(connection)
        finally:
            await connection.close()

    asyncio.run(ensure())


def step(url: str, revision: str, works_from: str) -> None:
    """As a migration of newer code leaves it."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])
        connection.execute(
            "INSERT INTO upload_pipeline.schema_steps VALUES (%s, %s)", [revision, works_from]
        )


def test_a_newer_schema_is_accepted_while_every_step_works_with_this_code(
    database_url: str,
) -> None:
    step(database_url, "9001", migrate.head())
    check(database_url)
    step(database_url, "9002", "9001")

    with pytest.raises(
        ConfigurationError,
        match=f"at schema 9002, which needs code of 9001; this code has {migrate.head()}",
    ):
        check(database_url)


def test_a_step_that_says_nothing_works_only_with_its_own_code(empty_url: str) -> None:
    migrate.upgrade(empty_url)

    with psycopg.connect(empty_url) as connection:
        query = "SELECT revision, works_from FROM upload_pipeline.schema_steps"
        assert connection.execute(query).fetchall() == [
            ("0012", "0012"),
            ("0013", "0012"),
            ("0014", "0013"),
            ("0015", "0014"),
            ("0016", "0014"),
            ("0017", "0014"),
            ("0018", "0014"),
            ("0019", "0014"),
            ("0020", "0014"),
            ("0021", "0014"),
            ("0022", "0014"),
            ("0023", "0014"),
            ("0024", "0014"),
            ("0025", "0014"),
            ("0026", "0014"),
            ("0027", "0014"),
            ("0028", "0014"),
            ("0029", "0014"),
        ]


def test_migrations_of_newer_code_are_not_undone_blindly(database_url: str) -> None:
    step(database_url, "9001", migrate.head())

    with pytest.raises(ConfigurationError, match=r"the migrations cannot run: .*9001"):
        migrate.upgrade(database_url)


def test_uris_of_documents_that_were_deleted_before_tombstones_are_removed(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0024")
    with psycopg.connect(empty_url) as connection:
        connection.execute(
            "INSERT INTO upload_pipeline.source_objects"
            " (tenant_id, uri, filename, bytes_len, version, run, taken_version, refused_code)"
            " SELECT gen_random_uuid(), uri, uri, 1, '1', 'run', taken, refused FROM (VALUES"
            " ('deleted', '1', NULL), ('pending', NULL, NULL), ('refused', NULL, 'not_found')"
            ") AS v (uri, taken, refused)"
        )

    migrate.upgrade(empty_url)

    with psycopg.connect(empty_url) as connection:
        left = connection.execute("SELECT uri FROM upload_pipeline.source_objects ORDER BY uri")
        assert left.fetchall() == [("pending",), ("refused",)]
