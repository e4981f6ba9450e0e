"""API keys; only their digests are kept."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load
from ingest.domain.scopes import DEFAULT_SCOPES, Caller, Scope

SQL = load("api_keys")
PREFIX = "ing_"


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key, without the key."""

    key_id: UUID
    tenant_id: UUID
    label: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    valid: bool
    """Neither revoked nor ended, by the database's clock."""


class KeyStore:
    """Rows of ``api_keys``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        tenant_id: UUID,
        label: str,
        *,
        scopes: Collection[Scope] = DEFAULT_SCOPES,
        expires_at: datetime | None = None,
    ) -> tuple[UUID, str]:
        """Make a key for a tenant.

        Args:
            tenant_id: The tenant.
            label: What the key is for.
            scopes: What it allows; at least one of those that keys can carry.
            expires_at: When it ends by itself.

        Returns:
            Its id, and the key itself, which is shown only now.
        """
        key = PREFIX + secrets.token_urlsafe(32)
        key_id = uuid4()
        ordered = [scope for scope in Scope if scope in scopes]
        async with self._database.connection() as connection:
            await connection.execute(
                SQL["insert_key"], key_id, tenant_id, label, _digest(key), ordered, expires_at
            )
        return key_id, key

    async def caller(self, key: str) -> Caller | None:
        """Whose key this is, and what it allows; None for an unknown, revoked or ended one."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["find_key"], _digest(key))
        return Caller(row["tenant_id"], frozenset(map(Scope, row["scopes"]))) if row else None

    async def list_all(self) -> list[KeyView]:
        """Every key, newest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["list_keys"])
        return [KeyView(**{**row, "scopes": tuple(map(Scope, row["scopes"]))}) for row in rows]

    async def revoke(self, key_id: UUID) -> UUID | None:
        """Refuse a key from now on; its tenant, or None when there is no such valid key."""
        async with self._database.connection() as connection:
            owner: UUID | None = await connection.fetchval(SQL["revoke_key"], key_id)
        return owner


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
