"""Plans of statements, and what they touch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from ingest.adapters.postgres.pool import Database, TenantDatabase, act_for
from tests.conftest import on_database


@contextmanager
def filled(server_url: str, template_database: str, statements: str) -> Iterator[str]:
    """URL of a migrated database that these statements fill."""
    name = f"filled_{template_database}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}".encode())
    url = on_database(server_url, name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())
        connection.execute("VACUUM ANALYZE")
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def explain(
    url: str, mode: str, statement: str, *parameters: Any, tenant: UUID | None = None
) -> dict[str, Any]:
    """The plan of a statement as it ran, for the pipeline or under a tenant's row security."""
    database = Database(url, pool_size=1)
    if tenant is not None:
        act_for(tenant)
    try:
        async with (TenantDatabase(database) if tenant else database).transaction() as connection:
            await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            [row] = await connection.fetchrow(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *parameters
            )
            await connection.execute("ROLLBACK; BEGIN")
    finally:
        await database.close()
    [plan] = json.loads(row) if isinstance(row, str) else row
    return dict(plan["Plan"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def job_scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        node
        for node in nodes(plan)
        if node.get("Relation Name") == "upload_jobs" and "Scan" in node["Node Type"]
    ]


def indexes(plan: dict[str, Any]) -> set[str]:
    """The indexes by which jobs are found; a scan of the whole table shows as ''."""
    bitmaps = {n["Index Name"] for n in nodes(plan) if n["Node Type"] == "Bitmap Index Scan"}
    direct = {
        node.get("Index Name", "")
        for node in job_scans(plan)
        if node["Node Type"] != "Bitmap Heap Scan"
    }
    of_jobs = ("upload_jobs", "idx_upload_jobs", "ix_jobs")
    return {name for name in bitmaps | direct if name == "" or name.startswith(of_jobs)}
