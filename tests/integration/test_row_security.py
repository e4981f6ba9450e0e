"""PostgreSQL itself keeps tenants apart, whatever a statement says."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import psycopg
import pytest

from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database, TenantDatabase, act_for
from ingest.adapters.postgres.search.search_store import SearchStore
from ingest.adapters.text_analysis.query import parse
from ingest.domain.job import ClaimedJob
from tests import builders
from tests.builders import MODEL, some_chunks, some_vectors
from tests.conftest import on_database
from tests.integration.backup_place import Place, fill

WAYS = pytest.mark.parametrize("way", ["straight", "pooler", "older"], indirect=True)
FOR_WORKERS_ONLY = {
    "api_keys",
    "provider_batches",
    "document_vector_buffer",
}
SHARED = {
    "embedding_models",
    "maintenance_leases",
    "pauses",
    "schema_steps",
    "counters",
    "webhook_log",
    "workers",
}
"""Tables without a tenant."""
SECURED = """
    SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS secured, EXISTS (
        SELECT 1 FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
    ) AS of_tenants, has_table_privilege(
        'ingest_worker', c.oid, 'SELECT, INSERT, UPDATE, DELETE'
    ) AS open_to_workers
    FROM pg_class AS c
    WHERE c.relnamespace = 'upload_pipeline'::regnamespace AND c.relkind = 'r'
"""
SECURED_COUNT = """
    SELECT count(*) FROM pg_class
    WHERE relnamespace = 'upload_pipeline'::regnamespace AND relrowsecurity AND relforcerowsecurity
"""
REACHABLE = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'upload_pipeline'::regnamespace AND relkind = 'r'
        AND has_table_privilege('ingest_api', oid, 'SELECT')
"""


async def two_tenants(database: Database) -> tuple[ClaimedJob, ClaimedJob]:
    """A published document of each, with one chunk that says whose it is."""
    jobs = []
    for owner in ("mine", "theirs"):
        job = await builders.a_claimed_job(database)
        await builders.publish(database, job, some_chunks(job, f"the secret is {owner}"))
        jobs.append(job)
    return jobs[0], jobs[1]


async def test_every_table_of_tenants_is_secured_and_open_to_workers(database: Database) -> None:
    async with database.connection() as connection:
        tables = await connection.fetch(SECURED)

    assert {t["name"] for t in tables if not t["of_tenants"]} == SHARED
    assert [t["name"] for t in tables if t["of_tenants"] and not t["secured"]] == []
    assert [t["name"] for t in tables if not t["open_to_workers"]] == []


@WAYS
async def test_a_statement_that_names_no_tenant_sees_one(database: Database) -> None:
    mine, theirs = await two_tenants(database)
    act_for(mine.tenant_id)

    async with TenantDatabase(database).connection() as connection:
        for table in ("documents", "upload_jobs", "events", "document_chunks"):
            rows = await connection.fetch(f"SELECT tenant_id FROM upload_pipeline.{table}")
            assert {row["tenant_id"] for row in rows} == {mine.tenant_id}, table
        everything = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relname IN ('documents', 'upload_jobs')"
        )
    async with database.connection() as connection:
        seen = await connection.fetch("SELECT tenant_id FROM upload_pipeline.documents")

    assert len(everything) == 2
    assert {row["tenant_id"] for row in seen} == {mine.tenant_id, theirs.tenant_id}


@WAYS
async def test_another_tenants_rows_cannot_be_changed_or_made(database: Database) -> None:
    mine, theirs = await two_tenants(database)
    act_for(mine.tenant_id)
    tenants = TenantDatabase(database)

    async with tenants.connection() as connection:
        changed = await connection.execute("UPDATE upload_pipeline.documents SET filename = 'x'")
        cancelled = await connection.execute(
            "UPDATE upload_pipeline.upload_jobs SET priority = 9 WHERE tenant_id = $1",
            theirs.tenant_id,
        )
        deleted = await connection.execute(
            "DELETE FROM upload_pipeline.documents WHERE document_id = $1", theirs.document_id
        )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await builders.accept(tenants, builders.an_arrival(theirs.tenant_id))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with tenants.connection() as connection:
            await connection.execute("UPDATE upload_pipeline.documents SET tenant_id = $1", uuid4())

    assert (changed, cancelled, deleted) == ("UPDATE 1", "UPDATE 0", "DELETE 0")
    act_for(theirs.tenant_id)
    untouched = await DocumentStore(tenants).get(theirs.document_id, theirs.tenant_id)
    assert untouched is not None
    assert untouched.filename == "note.txt"


async def test_who_acts_for_nobody_sees_nothing(database: Database) -> None:
    await two_tenants(database)

    async with database.transaction() as connection:
        await connection.execute("SET LOCAL ROLE ingest_api")
        tables = {row["relname"] for row in await connection.fetch(REACHABLE)}
        counts = {
            table: await connection.fetchval(f"SELECT count(*) FROM upload_pipeline.{table}")
            for table in tables - SHARED
        }
    with pytest.raises(LookupError):
        async with TenantDatabase(database).connection():
            pass

    assert len(counts) == 18
    assert set(counts.values()) == {0}
    assert tables & FOR_WORKERS_ONLY == set()


@WAYS
async def test_words_of_another_tenant_are_not_found(database: Database) -> None:
    mine, theirs = await two_tenants(database)
    act_for(mine.tenant_id)
    store = SearchStore(TenantDatabase(database), MODEL)

    hits = await store.search(
        some_vectors(1)[0], mine.tenant_id, limit=9, words=parse("the secret")
    )
    forged = await store.search(
        some_vectors(1)[0], theirs.tenant_id, limit=9, words=parse("the secret")
    )

    assert [hit.document_id for hit in hits] == [mine.document_id]
    assert forged == []


@contextmanager
def a_login(server_url: str, database_url: str, *attributes: str) -> Iterator[tuple[str, str]]:
    """Name and URL of a login of its own for a database."""
    name, password = f"login_{uuid4().hex}", "of-the-test"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            f"CREATE ROLE {name} LOGIN PASSWORD '{password}' {' '.join(attributes)}".encode()
        )
    parts = urlsplit(database_url)
    host = parts.netloc.rpartition("@")[2]
    try:
        yield name, parts._replace(netloc=f"{name}:{password}@{host}").geturl()
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER".encode())
            connection.execute(f"DROP OWNED BY {name}".encode())
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"DROP ROLE {name}".encode())


def test_a_login_of_tenants_gets_no_further(server_url: str, database_url: str) -> None:
    with a_login(server_url, database_url) as (name, url):
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"GRANT ingest_api TO {name}".encode())
        with psycopg.connect(url, autocommit=True) as connection:
            for refused in (
                "SET ROLE ingest_worker",
                "SET ROLE postgres",
                "CREATE TABLE upload_pipeline.mine ()",
                "ALTER TABLE upload_pipeline.documents DISABLE ROW LEVEL SECURITY",
                "DROP POLICY own_tenant ON upload_pipeline.documents",
                "TRUNCATE upload_pipeline.documents CASCADE",
                "SELECT * FROM upload_pipeline.api_keys",
                "UPDATE upload_pipeline.document_chunks SET text = 'x'",
                "DELETE FROM upload_pipeline.events",
                "SELECT upload_pipeline.reserve_call(NULL, NULL, '', '', '', '', '', NULL, 1, 1)",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(refused.encode())
            connection.execute("SET row_security = off")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM upload_pipeline.documents")


@pytest.fixture
def owned(server_url: str) -> Iterator[tuple[str, str]]:
    """Name and URL of a login that is no superuser and owns a migrated database."""
    database = on_database(server_url, f"owned_{uuid4().hex}")
    name = urlsplit(database).path[1:]
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    with a_login(server_url, database, "CREATEROLE") as (owner, url):
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} OWNER TO {owner}".encode())
            for role in ("ingest_worker", "ingest_api"):
                connection.execute(f"GRANT {role} TO {owner}".encode())
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            connection.execute(f"GRANT ALL ON SCHEMA public TO {owner}".encode())
        migrate.upgrade(url)
        yield owner, url
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} OWNER TO CURRENT_USER".encode())
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def test_an_owner_who_is_no_superuser_ingests_and_searches(
    template_database: str, owned: tuple[str, str]
) -> None:
    database = Database(owned[1])
    try:
        mine, _ = await two_tenants(database)
        async with database.connection() as connection:
            active = await connection.fetchval(
                "SELECT row_security_active('upload_pipeline.document_chunks')"
            )
            await migrate.ensure_compatible(connection)
        act_for(mine.tenant_id)
        store = SearchStore(TenantDatabase(database), MODEL)
        hits = await store.search(
            some_vectors(1)[0], mine.tenant_id, limit=9, words=parse("the secret")
        )
    finally:
        await database.close()

    assert active
    assert [hit.document_id for hit in hits] == [mine.document_id]


def test_an_owner_who_is_no_superuser_saves_and_restores_everything(
    template_database: str, owned: tuple[str, str], tmp_path: Path
) -> None:
    place = Place(owned[1], (tmp_path / "blobs").as_uri(), tmp_path / "state")
    asyncio.run(fill(place, b"first", b"second"))

    taken = place.run("backup", tmp_path / "backup", "--json")
    restored = place.run("restore", tmp_path / "backup", "--replace", "--json")

    assert taken.code == 0, taken.err
    assert restored.code == 0, restored.err
    assert restored.json()["counts"] == taken.json()["counts"]
    assert restored.json()["counts"]["document_chunks"] == 3
    assert place.rows(SECURED_COUNT) == [(21,)]


async def test_an_owner_without_the_roles_is_bound_and_told(
    server_url: str, template_database: str, owned: tuple[str, str]
) -> None:
    owner, url = owned
    database = Database(url)
    try:
        await two_tenants(database)
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"REVOKE ingest_worker, ingest_api FROM {owner}".encode())
        async with database.connection() as connection:
            count = await connection.fetchval("SELECT count(*) FROM upload_pipeline.documents")
            wrong = await migrate.mismatch(connection)
    finally:
        await database.close()

    assert count == 0
    assert wrong is not None
    assert owner in wrong
    assert "lacks the role ingest_worker and ingest_api" in wrong
