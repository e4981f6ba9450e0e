"""Leases of jobs: who writes for a job does so only while its lease holds."""

from collections.abc import Sequence
from uuid import UUID

from ingest.adapters.postgres.pool import Connection
from ingest.adapters.postgres.statements import load
from ingest.domain.job import Lease

SQL = load("leases")


async def lock_leases(connection: Connection, leases: Sequence[Lease]) -> frozenset[UUID]:
    """The jobs whose leases hold, which they do until the end of the caller's transaction."""
    return await _held_by(connection, leases, "lock_leases")


async def held_leases(connection: Connection, leases: Sequence[Lease]) -> frozenset[UUID]:
    """The jobs whose leases hold at this moment."""
    return await _held_by(connection, leases, "held_leases")


async def _held_by(
    connection: Connection, leases: Sequence[Lease], statement: str
) -> frozenset[UUID]:
    jobs, tokens = [lease.job_id for lease in leases], [lease.token for lease in leases]
    return frozenset(row["job_id"] for row in await connection.fetch(SQL[statement], jobs, tokens))
