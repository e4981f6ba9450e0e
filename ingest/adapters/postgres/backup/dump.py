"""The DatabaseDump port: PostgreSQL's own dump and restore, of one moment of the database."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.admin.embedded import program
from ingest.adapters.postgres.documents.tombstone_store import forget_errors, leave_tombstone
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain.backup import Manifest, Snapshot
from ingest.domain.errors import ConfigurationError, RestoreRefused, StoreUnavailable

SQL = load("backup")
_SEEDED = frozenset({"embedding_models", "schema_steps", "counters", "tenants"})
"""Tables that the migrations themselves fill."""
_SCHEMA = "upload_pipeline"
_FUNCTION = re.compile(rf"^\d+; .* FUNCTION {_SCHEMA} (\w+\(.*\)) ", re.MULTILINE)
"""As pg_restore lists it: 312; 1255 16634 FUNCTION upload_pipeline limits_of(uuid) owner"""


class PostgresDump:
    """A database as a whole."""

    def __init__(self, database: Database) -> None:
        """Remember the database.

        Raises:
            ConfigurationError: it is reached through a pooler, which mixes up sessions.
        """
        if database.pooler:
            raise ConfigurationError(
                "a backup needs the database itself: set INGEST_DATABASE_URL to the server behind "
                "the pooler, and INGEST_DATABASE_POOLER=false"
            )
        self._database = database

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Hold one moment of the database while it goes on."""
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            known = await connection.fetchrow(SQL["identify_database"])
            blobs = await connection.fetch(SQL["refers_to"])
            yield Snapshot(
                name=await connection.fetchval("SELECT pg_export_snapshot()"),
                revision=await migrate.current(connection) or "",
                system_identifier=known["system_identifier"],
                database=known["database"],
                taken_at=known["taken_at"].isoformat(),
                counts=await _count(connection),
                blob_keys=tuple(row["key"] for row in blobs),
            )

    async def dump(self, snapshot: Snapshot, target: Path) -> None:
        """Write that moment to a file.

        Raises:
            StoreUnavailable: it did not work; says why.
        """
        await self._run(
            "pg_dump",
            "--format=custom",
            f"--schema={_SCHEMA}",
            "--no-owner",
            "--enable-row-security",  # the login sees every tenant, or nothing gets this far
            f"--snapshot={snapshot.name}",
            f"--file={target}",
        )

    async def still_refers_to(self, keys: Collection[str]) -> set[str]:
        """Which of these blobs a row refers to now."""
        if not keys:
            return set()
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["refers_to"])
        return {row["key"] for row in rows} & set(keys)

    async def ensure_unused(self, *, replace: bool) -> None:
        """Check that a restore takes nothing from anybody.

        Args:
            replace: What is there may go, unless a worker is at it.

        Raises:
            RestoreRefused: there is something, or a worker.
        """
        connection = await asyncpg.connect(self._database.url, timeout=10)
        try:
            counts = await _count(connection)
        finally:
            await connection.close()
        if "workers" in counts:
            for worker in await WorkerStore(self._database).list_running():
                if worker.is_alive:
                    raise RestoreRefused(
                        f"a worker on {worker.host!r} (pid {worker.pid}) is at work on the "
                        "database; stop the system first"
                    )
        rows = {table: count for table, count in counts.items() if count and table not in _SEEDED}
        if rows and not replace:
            raise RestoreRefused(
                "the database is not empty: "
                + ", ".join(f"{count} rows in {table}" for table, count in rows.items())
                + "; --replace removes what is there"
            )

    async def restore(self, manifest: Manifest, source: Path) -> int:
        """Put a dump in the place of what is there; nobody holds its jobs any more.

        The migrations make what is outside the schema, such as the extension and the ledger of
        revisions; the dump then takes the place of their empty tables in one transaction. If it is
        of this code's schema, the functions are this code's in the end.

        Returns:
            How many jobs went back to the queue, which were under way at the recovery point.

        Raises:
            StoreUnavailable: it did not work, and the database is empty.
        """
        connection = await asyncpg.connect(self._database.url, timeout=10)
        try:
            async with connection.transaction():
                await connection.execute(SQL["drop_schema"])
                await connection.execute(SQL["drop_ledger_of_revisions"])
        finally:
            await connection.close()
        await asyncio.to_thread(migrate.upgrade, self._database.url, manifest.revision)
        await self._drop_functions_missing_in(source)
        await self._run(
            "pg_restore",
            "--clean",
            "--if-exists",
            "--single-transaction",
            "--no-owner",
            str(source),
        )
        await asyncio.to_thread(migrate.upgrade, self._database.url, manifest.revision)
        return await self._settle_down(manifest)

    async def _drop_functions_missing_in(self, source: Path) -> None:
        """Drop functions that the dump lacks: with them, pg_restore cannot drop the schema."""
        brought = _FUNCTION.findall(await self._run("pg_restore", "--list", str(source)))
        async with self._database.transaction() as connection:
            for function in await connection.fetch(SQL["other_functions"], brought):
                await connection.execute(SQL["drop_function"].format(function=function["name"]))

    async def _settle_down(self, manifest: Manifest) -> int:
        jobs = JobStore(self._database)
        async with self._database.transaction() as connection:
            await connection.execute(SQL["forget_gone_parses"], list(manifest.gone))
            if await connection.fetchval(SQL["has_tombstones"]):
                for gone in await connection.fetch(SQL["find_gone"], list(manifest.gone)):
                    await forget_errors(connection, gone["document_id"])
                    await leave_tombstone(connection, **gone)
            await connection.execute(SQL["forget_gone"], list(manifest.gone))
            await connection.execute(SQL["stop_all_workers"])
            holders = await connection.fetch(SQL["holders"])
        released = [
            await jobs.release(row["leased_by"], died=False, max_rescues=1) for row in holders
        ]
        return sum(map(len, released))

    async def _run(self, name: str, *arguments: str) -> str:
        """Run one of the programs that come with the embedded server, whatever the server.

        Returns:
            What it printed.
        """
        url = self._database.url
        environment = {**os.environ, "PGPASSWORD": unquote(urlsplit(url).password or "")}
        process = await asyncio.create_subprocess_exec(
            program(name),
            f"--dbname={_without_password(url)}",
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            printed, complaint = await process.communicate()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            reason = complaint.decode(errors="replace").strip() or f"exit {process.returncode}"
            raise StoreUnavailable(f"{name} failed: {reason[:500]}")
        return printed.decode(errors="replace")


async def _count(connection: asyncpg.Connection) -> dict[str, int]:
    """Rows by table."""
    tables = [row["table_name"] for row in await connection.fetch(SQL["list_tables"])]
    return {
        table: await connection.fetchval(f'SELECT count(*) FROM {_SCHEMA}."{table}"')  # noqa: S608 - named by the catalog
        for table in tables
    }


def _without_password(url: str) -> str:
    """The URL as it may stand on a command line, which everybody on the machine can read."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}@{host}" if user else host))
