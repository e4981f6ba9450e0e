"""Finds the tenant of an API key, without a database query for each request."""

import hashlib
import time
from collections.abc import Callable
from datetime import timedelta

from fastapi.security import HTTPBearer

from ingest.adapters.auth.jwt import KeySet, SharedSecret, TokenVerifier
from ingest.adapters.postgres.admin.key_store import KeyStore
from ingest.domain.errors import Unauthenticated
from ingest.domain.scopes import Caller
from ingest.settings import Settings
from ingest.settings.authentication import TenantClaim

REMEMBERED_SECONDS = 1.0
"""How long a revoked or expired key may still work in a process."""
REMEMBERED_KEYS = 10_000

bearer = HTTPBearer(
    auto_error=False,
    description="An API key (ing_…) or a JSON Web Token; not needed when authentication is off.",
)


class KeyRing:
    """Finds callers by their keys; caches valid keys for a moment, and never caches others."""

    def __init__(self, keys: KeyStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with an empty cache.

        Args:
            keys: The store of API keys.
            clock: A monotonic clock in seconds.
        """
        self._keys = keys
        self._clock = clock
        self._remembered: dict[bytes, tuple[Caller, float]] = {}

    async def caller(self, key: str) -> Caller:
        """Find the caller of a key, with its scopes.

        Raises:
            Unauthenticated: the key is unknown, was revoked or has ended.
            StoreUnavailable: the database did not answer.
        """
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        known = self._remembered.get(digest)
        if known is not None and known[1] > self._clock():
            return known[0]
        # Taken before the query: a key that is revoked during it is not used for longer.
        asked_at = self._clock()
        caller = await self._keys.caller(key)
        if caller is None:
            self._remembered.pop(digest, None)
            raise Unauthenticated(
                "this API key is not valid; an operator makes one with 'ingest keys create'"
            )
        if len(self._remembered) >= REMEMBERED_KEYS:
            # Cheaper than a least-recently-used list; it costs one query for each key in use.
            self._remembered.clear()
        self._remembered[digest] = caller, asked_at + REMEMBERED_SECONDS
        return caller


def make_token_verifier(settings: Settings) -> TokenVerifier | None:
    """Make the verifier of JSON Web Tokens; None when tokens are not accepted."""
    if not settings.takes_tokens or settings.jwt_audience is None:
        return None
    secret = settings.jwt_secret
    return TokenVerifier(
        SharedSecret(secret.get_secret_value()) if secret else KeySet(settings.jwt_jwks or ""),
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
        tenant_claim=settings.jwt_tenant_claim,
        claims_ids=settings.jwt_tenant_claim_is is TenantClaim.ID,
        longest_life=timedelta(seconds=settings.jwt_longest_life_seconds),
        leeway=timedelta(seconds=settings.jwt_leeway_seconds),
    )
