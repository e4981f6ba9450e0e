"""Warnings in the database: what keeps them, what takes them away, and code from before them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import psycopg
import pytest

from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.documents.document_store import SQL, DocumentStore, DocumentView
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.app.backfill.reprocess import Reprocessor
from ingest.domain.job import ClaimedJob, Degraded, Lane
from ingest.domain.parse_warning import MAX_WARNINGS, ParseWarning, WarningCode
from ingest.domain.reprocess import Reprocessing
from tests import builders
from tests.builders import CHUNKER, LEASE, MODEL, numbered_chunks
from tests.conftest import on_database
from tests.integration.plans import explain, filled, nodes

BLANK = ParseWarning(WarningCode.PAGE_WITHOUT_TEXT, "pages 2 to 4 hold no text")
CHART = ParseWarning(WarningCode.PART_NOT_READ, "the chart “Größe \\ 'x'” was not read")
OWNER = UUID(int=7)
WARNED = 30
_FILL = """
SET session_replication_role = replica;
INSERT INTO upload_pipeline.documents (
    document_id, tenant_id, name, filename, media_type, bytes_len, parse_warnings, created_at
)
SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000007', n::text, 'a', 'text/plain', 1,
    CASE WHEN n % 1000 = 1 THEN '[{"code": "rows_cut", "message": "cut"}]' ELSE '[]' END::jsonb,
    now() + n * interval '1 s'
FROM generate_series(1, 30000) AS n;
"""


@pytest.fixture(scope="module")
def many_documents(server_url: str, template_database: str) -> Iterator[str]:
    """URL of a database with 30,000 documents of one tenant, of which 30 have a warning."""
    with filled(server_url, template_database, _FILL) as url:
        yield url


@pytest.fixture
def migrated_before(server_url: str) -> Iterator[str]:
    """URL of a database without warnings."""
    name = f"before_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = on_database(server_url, name)
    migrate.upgrade(url, "0010")
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def record(database: Database, job: ClaimedJob, *warnings: ParseWarning) -> None:
    held = await DocumentStore(database).record_parsed(
        [replace(builders.a_record(job), warnings=warnings)],
        lease=LEASE,
        text_is_there=builders.there,
    )
    assert held == {job.lease.job_id}


async def finish(database: Database, job: ClaimedJob, *warnings: ParseWarning) -> None:
    """Publish a job whose text has these warnings."""
    await record(database, job, *warnings)
    chunks = numbered_chunks(job, 2)
    store = builders.chunk_store(database)
    [missing], _ = await store.plan([builders.share(job, chunks)], lease=LEASE)
    await builders.store(database, job, missing.chunks)


async def view(database: Database, job: ClaimedJob) -> DocumentView:
    found = await DocumentStore(database).get(job.document_id, job.tenant_id)
    assert found is not None
    return found


def shown(*warnings: ParseWarning) -> list[dict[str, Any]]:
    return [{"code": one.code, "message": one.message} for one in warnings]


async def test_a_text_that_is_recorded_again_replaces_its_warnings(database: Database) -> None:
    job = await builders.a_claimed_job(database)

    await record(database, job, BLANK, CHART)
    first = await view(database, job)
    await record(database, job, CHART)
    second = await view(database, job)
    await record(database, job)
    last = await view(database, job)

    assert first.warnings == shown(BLANK, CHART)
    assert (second.warning_count, second.warnings) == (1, shown(CHART))
    assert (last.warning_count, last.warnings) == (0, [])


async def test_as_many_warnings_as_a_parser_gives_are_kept_whole(database: Database) -> None:
    job = await builders.a_claimed_job(database)
    warnings = [
        ParseWarning(WarningCode.ROWS_CUT, f"table {number}: " + "x" * 480)
        for number in range(MAX_WARNINGS)
    ]

    await record(database, job, *warnings)
    alone = await JobStore(database).get(job.lease.job_id, job.tenant_id)

    assert (await view(database, job)).warnings == shown(*warnings)
    assert alone is not None
    assert alone.warnings == shown(*warnings)


async def test_a_document_that_is_made_again_from_its_text_keeps_its_warnings(
    database: Database,
) -> None:
    job = await builders.a_claimed_job(database)
    await finish(database, job, BLANK)

    await Reprocessor(
        JobStore(database), Reprocessing(job.tenant_id, MODEL, f"{CHUNKER}-2", "test"), limit=None
    ).register()
    [newer] = await builders.claim(database, lane=Lane.BACKFILL)

    assert newer.generation == job.generation + 1
    assert (await view(database, job)).warnings == shown(BLANK)
    again = await JobStore(database).get(newer.lease.job_id, job.tenant_id)
    assert again is not None
    assert again.warnings == shown(BLANK)


@pytest.mark.parametrize(
    ("made_here", "left"), [("parser", []), ("embedder", shown(BLANK))], ids=["parser", "embedder"]
)
async def test_an_upgrade_that_parses_again_takes_the_warnings_away(
    database: Database, made_here: str, left: list[dict[str, Any]]
) -> None:
    job = await builders.a_claimed_job(database)
    await finish(database, job, BLANK)
    await builders.execute(
        database, "UPDATE upload_pipeline.documents SET degraded = ARRAY[$1]", made_here
    )

    made = await JobStore(database).upgrade([Degraded(made_here)], limit=1, probing=False)

    assert made == 1
    assert (await view(database, job)).warnings == left


async def test_only_a_tenants_own_documents_are_listed(database: Database) -> None:
    mine, yours = [
        await builders.a_claimed_job(database, builders.an_arrival(UUID(int=number)))
        for number in (1, 2)
    ]
    for job in (mine, yours):
        await record(database, job, BLANK)

    found = await DocumentStore(database).list_warned(mine.tenant_id)

    assert [one.document_id for one in found] == [mine.document_id]


async def test_published_documents_with_warnings_are_counted_from_a_moment_on(
    database: Database,
) -> None:
    tenant, moments = UUID(int=1), []
    for warnings in ((BLANK,), (), (BLANK, CHART)):
        [now] = await builders.fetch(database, "SELECT clock_timestamp() AS moment")
        moments.append(now["moment"])
        job = await builders.a_claimed_job(database, builders.an_arrival(tenant))
        await finish(database, job, *warnings)
    unpublished = await builders.a_claimed_job(database, builders.an_arrival(tenant))
    await record(database, unpublished, BLANK)
    store = DocumentStore(database)

    counted = [await store.count_warned(tenant, since=moment) for moment in moments]

    assert counted == [2, 1, 1]
    assert await store.count_warned(UUID(int=2), since=moments[0]) == 0


@pytest.mark.parametrize("code", [None, "rows_cut"])
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_the_few_documents_with_warnings_are_found_by_an_index(
    many_documents: str, mode: str, code: str | None
) -> None:
    plan = await explain(
        many_documents, mode, SQL["list_warned_documents"], OWNER, None, None, 51, code
    )

    assert plan["Actual Rows"] == WARNED
    assert {node["Index Name"] for node in nodes(plan) if "Index Name" in node} == {
        "idx_documents_warned"
    }
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100


async def test_the_column_takes_only_lists(database: Database) -> None:
    job = await builders.a_claimed_job(database)

    with pytest.raises(asyncpg.CheckViolationError, match="documents_parse_warnings_check"):
        await builders.execute(
            database,
            "UPDATE upload_pipeline.documents SET parse_warnings = '{}' WHERE document_id = $1",
            job.document_id,
        )


async def test_documents_from_before_get_no_warnings_and_are_not_written_again(
    migrated_before: str,
) -> None:
    place = "SELECT ctid::text, xmin::text FROM upload_pipeline.documents"
    insert = (
        "INSERT INTO upload_pipeline.documents (document_id, tenant_id, name, filename, media_type,"
        " bytes_len) VALUES (gen_random_uuid(), gen_random_uuid(), 'a', 'a', 'text/plain', 1)"
    )
    with psycopg.connect(migrated_before) as connection:
        connection.execute(insert)
        before = connection.execute(place).fetchall()

    migrate.upgrade(migrated_before)

    with psycopg.connect(migrated_before) as connection:
        assert connection.execute(place).fetchall() == before
        connection.execute(insert)  # as code from before does
        found = connection.execute("SELECT parse_warnings FROM upload_pipeline.documents")
        assert found.fetchall() == [([],), ([],)]


async def test_a_migration_that_was_cut_short_is_run_again(migrated_before: str) -> None:
    text = (migrate.MIGRATIONS / "sql" / "0011_parse_warnings.up.sql").read_bytes()
    with psycopg.connect(migrated_before, autocommit=True) as connection:
        for statement in text.split(b";\n")[:-2]:
            connection.execute(statement)

    migrate.upgrade(migrated_before)

    with psycopg.connect(migrated_before) as connection:
        found = connection.execute(
            "SELECT convalidated FROM pg_constraint"
            " WHERE conname = 'documents_parse_warnings_check'"
        ).fetchall()
        valid = connection.execute(
            "SELECT indisvalid FROM pg_index"
            " WHERE indexrelid = 'upload_pipeline.idx_documents_warned'::regclass"
        ).fetchall()
    assert (found, valid) == ([(True,)], [(True,)])
