"""Tenants by id and name."""

from collections.abc import Collection
from uuid import UUID

import asyncpg

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain.errors import Conflict
from ingest.domain.tenant import Names, Tenant

SQL = load("tenants")


class TenantStore:
    """Rows of ``tenants``. No other row refers to them: nothing waits for a tenant's row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, tenant: Tenant) -> None:
        """Register a tenant; a name it has already stays.

        Raises:
            Conflict: another tenant has the name.
        """
        try:
            async with self._database.connection() as connection:
                await connection.execute(SQL["put_tenant"], tenant.tenant_id, tenant.name)
        except asyncpg.UniqueViolationError as exc:
            raise Conflict(f"another tenant has the name {tenant.name!r}") from exc

    async def find(self, tenant_id: UUID) -> Tenant | None:
        """A tenant that is registered, or for which anything is stored; else None."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["find_tenant"], tenant_id)
        return Tenant(**row) if row else None

    async def names(self, tenant_ids: Collection[UUID]) -> Names:
        """The names of these tenants, as far as they have one."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["names_of_tenants"], list(tenant_ids))
        return Names((row["tenant_id"], row["name"]) for row in rows)

    async def list_names(self, *, limit: int) -> list[str]:
        """Names of tenants, the newest first."""
        async with self._database.connection() as connection:
            return [row["name"] for row in await connection.fetch(SQL["list_names"], limit)]
