"""Finds the tenant of an option ``--tenant``."""

from ingest.adapters.postgres.admin.tenant_store import TenantStore
from ingest.adapters.postgres.pool import Database
from ingest.cli.exit_codes import UnknownTenant, WrongUsage
from ingest.domain.identity import LOCAL_NAME
from ingest.domain.tenant import MAX_NAME_CHARS, Tenant, close_to, is_id, is_name, tenant_called

_COMPARED_NAMES = 10_000


async def existing(database: Database, text: str, *, create: bool | None = None) -> Tenant:
    """Find the tenant with this name or UUID.

    A tenant that had only an id gets its name here.

    Args:
        database: The database that holds the tenants.
        text: The value of --tenant.
        create: Whether to create a missing tenant; None when the command has no --create-tenant.

    Raises:
        UnknownTenant: there is no such tenant.
        WrongUsage: the text cannot be a name.
    """
    if not is_name(text):
        raise WrongUsage(
            f"--tenant must be a UUID, or a name of 1 to {MAX_NAME_CHARS} characters that can be "
            f"printed, not {text[:80]!r}"
        )
    wanted, store = tenant_called(text), TenantStore(database)
    if wanted.tenant_id.int == 0:
        raise WrongUsage("the UUID of zeros stands for all tenants; leave --tenant out")
    found = await store.find(wanted.tenant_id)
    if found is None and not create:
        raise UnknownTenant(await _refusal(store, text, can_create=create is not None))
    if found is None or (found.name is None and wanted.name is not None):
        await store.put(wanted)
    return wanted if found is None or found.name is None else found


async def existing_or_local(
    database: Database, text: str | None, *, create: bool | None = None
) -> Tenant:
    """Find the tenant with this name or UUID; without one, the local tenant.

    Raises:
        UnknownTenant: there is no such tenant.
        WrongUsage: the text cannot be a name.
    """
    return await existing(database, LOCAL_NAME if text is None else text, create=create)


async def _refusal(store: TenantStore, text: str, *, can_create: bool) -> str:
    known = [] if is_id(text) else await store.list_names(limit=_COMPARED_NAMES)
    close = " or ".join(map(repr, close_to(text, known)))
    hints = [f"did you mean {close}?"] if close else []
    if can_create:
        hints.append(f"{'If not, add' if close else 'add'} --create-tenant to make it")
    return f"there is no tenant {text!r}" + (f": {' '.join(hints)}" if hints else "")
