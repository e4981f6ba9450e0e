"""API keys; only their digests are kept."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.statements import load

SQL = load("api_keys")
PREFIX = "ing_"


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key, without the key."""

    key_id: UUID
    user_id: UUID
    label: str
    created_at: datetime
    revoked_at: datetime | None


class KeyStore:
    """Rows of ``api_keys``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, user_id: UUID, label: str) -> tuple[UUID, str]:
        """Make a key for a tenant; returns its id and the key itself, which is shown only now."""
        key = PREFIX + secrets.token_urlsafe(32)
        key_id = uuid4()
        async with self._database.connection() as connection:
            await connection.execute(SQL["insert_key"], key_id, user_id, label, _digest(key))
        return key_id, key

    async def tenant(self, key: str) -> UUID | None:
        """Whose key this is; None for a key that is unknown or revoked."""
        async with self._database.connection() as connection:
            found: UUID | None = await connection.fetchval(SQL["find_key"], _digest(key))
            return found

    async def list_all(self) -> list[KeyView]:
        """Every key, newest first."""
        async with self._database.connection() as connection:
            return [KeyView(**row) for row in await connection.fetch(SQL["list_keys"])]

    async def revoke(self, key_id: UUID) -> bool:
        """Refuse a key from now on; False when there is no such valid key."""
        async with self._database.connection() as connection:
            return await connection.fetchval(SQL["revoke_key"], key_id) is not None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
