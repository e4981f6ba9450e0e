"""Registers a tenant with its first accepted upload."""

import structlog

from ingest.adapters.postgres.admin.tenant_store import TenantStore
from ingest.domain.errors import IngestError
from ingest.domain.scopes import Caller
from ingest.domain.tenant import Tenant

log = structlog.get_logger(module=__name__)
REMEMBERED_TENANTS = 100_000
"""About 20 MB of memory; above it, all tenants are written to the database once more."""


class TenantRegister:
    """Registers tenants; a process writes each to the database once."""

    def __init__(self, store: TenantStore) -> None:
        """Start with no tenant registered.

        Args:
            store: Writes for the tenant of the request.
        """
        self._store = store
        self._remembered: set[Tenant] = set()

    async def note(self, caller: Caller) -> None:
        """Register the caller's tenant, if this process has not done so yet.

        It never raises, because the upload is accepted already; the next upload tries again.
        """
        tenant = Tenant(caller.tenant_id, caller.tenant_name)
        if tenant in self._remembered:
            return
        try:
            await self._store.put(tenant)
        except IngestError as exc:
            log.warning("tenant not registered", tenant=str(tenant.tenant_id), error=exc.message)
            return
        if len(self._remembered) >= REMEMBERED_TENANTS:
            self._remembered.clear()
        self._remembered.add(tenant)
