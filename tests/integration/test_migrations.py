"""Migrations go up, down and up again, and another schema is refused."""

import asyncio
import multiprocessing
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import asyncpg
import psycopg
import pytest

from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.pool import Database
from ingest.domain.errors import ConfigurationError
from tests import builders
from tests.conftest import on_database

REVISIONS = [f"{number:04}" for number in range(1, 12)]
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


def test_each_step_says_which_code_works_with_it(empty_url: str) -> None:
    migrate.upgrade(empty_url)

    with psycopg.connect(empty_url) as connection:
        query = "SELECT revision, works_from FROM upload_pipeline.schema_steps ORDER BY revision"
        steps = connection.execute(query).fetchall()
    assert steps == [(revision, "0001") for revision in REVISIONS]


def test_migrations_of_newer_code_are_not_undone_blindly(database_url: str) -> None:
    step(database_url, "9001", migrate.head())

    with pytest.raises(ConfigurationError, match=r"the migrations cannot run: .*9001"):
        migrate.upgrade(database_url)


def bodies(url: str) -> dict[str, str]:
    """The functions as the database has them."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT oid::regprocedure::text, pg_get_functiondef(oid) FROM pg_proc"
            " WHERE pronamespace = 'upload_pipeline'::regnamespace"
        ).fetchall()
    return dict(rows)


def test_functions_that_were_changed_by_hand_are_made_again_as_the_code_has_them(
    database_url: str,
) -> None:
    made = bodies(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION upload_pipeline.guard_job_change() RETURNS trigger"
            " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
        )
        connection.execute("DROP FUNCTION upload_pipeline.admit_search")
    assert bodies(database_url) != made

    migrate.upgrade(database_url)

    assert bodies(database_url) == made


def test_an_older_schema_keeps_its_functions_until_it_is_the_newest(empty_url: str) -> None:
    migrate.upgrade(empty_url, REVISIONS[-1])
    made = bodies(empty_url)
    migrate.downgrade(empty_url, REVISIONS[-2])
    with psycopg.connect(empty_url) as connection:
        connection.execute("DROP FUNCTION upload_pipeline.admit_search")

    migrate.upgrade(empty_url, REVISIONS[-2])
    assert not any("admit_search" in name for name in bodies(empty_url))
    migrate.upgrade(empty_url)

    assert bodies(empty_url) == made


async def test_functions_can_be_made_again_while_they_are_in_use(database: Database) -> None:
    accepted = asyncio.Event()

    async def accept_until(stop: asyncio.Event) -> int:
        count = 0
        while not stop.is_set():
            await builders.accept(database)
            count += 1
            accepted.set()
        return count

    stop = asyncio.Event()
    uploads = [asyncio.create_task(accept_until(stop)) for _ in range(4)]
    await accepted.wait()
    async with database.transaction() as connection:
        await connection.execute("UPDATE upload_pipeline.upload_jobs SET priority = 1")
        for _ in range(5):
            await asyncio.to_thread(migrate.upgrade, database.url)
    stop.set()
    made = sum(await asyncio.gather(*uploads))

    [row] = await builders.fetch(
        database,
        "SELECT count(*) AS jobs, (SELECT sum(amount) FROM upload_pipeline.counters"
        " WHERE counted = 'jobs') AS counted, (SELECT count(*) FROM upload_pipeline.events)"
        " AS events FROM upload_pipeline.upload_jobs",
    )
    assert (row["jobs"], row["counted"], row["events"]) == (made, made, made)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations, to add to."""
    copy = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, copy)
    monkeypatch.setattr(migrate, "MIGRATIONS", copy)
    return copy / "sql"


def test_an_index_can_be_built_outside_a_transaction(database_url: str, folder: Path) -> None:
    name = "idx_documents_filename"
    (folder / "0099_index.up.sql").write_text(
        f"-- revision: 0099, after: {REVISIONS[-1]}, outside a transaction\n"
        "SET lock_timeout = '5s';\n"
        f"CREATE INDEX CONCURRENTLY {name} ON upload_pipeline.documents (filename);\n"
    )
    (folder / "0099_index.down.sql").write_text(
        f"DROP INDEX CONCURRENTLY upload_pipeline.{name};\n"
    )
    before = describe(database_url) or ""

    migrate.upgrade(database_url)
    with psycopg.connect(database_url) as connection:
        steps = connection.execute(
            "SELECT works_from FROM upload_pipeline.schema_steps WHERE revision = '0099'"
        ).fetchall()
    made = describe(database_url) or ""
    migrate.downgrade(database_url, REVISIONS[-1])

    assert name not in before
    assert name in made
    assert steps == [("0099",)], "a step that says nothing works only with its own code"
    assert describe(database_url) == before


def test_a_migration_that_does_not_say_its_revision_is_named(folder: Path) -> None:
    (folder / "0099_index.up.sql").write_text("-- Why: an index.\n")

    with pytest.raises(ConfigurationError, match=r"0099_index\.up\.sql does not say its revision"):
        migrate.head()


def test_a_migration_without_a_way_back_says_so(database_url: str, folder: Path) -> None:
    (folder / "0099_step.up.sql").write_text(
        f"-- revision: 0099, after: {REVISIONS[-1]}\nSELECT 1;\n"
    )
    migrate.upgrade(database_url)

    with pytest.raises(ConfigurationError, match="there is no way back from schema 0099"):
        migrate.downgrade(database_url, REVISIONS[-1])
