"""Whose API key it is, without asking the database for every request."""

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

REMEMBERED_SECONDS = 1.0
"""For how long a key that was revoked or has ended may still work in a process."""
REMEMBERED_KEYS = 10_000

bearer = HTTPBearer(
    auto_error=False,
    description="An API key (ing_…) or a JSON Web Token; not needed when the gateway runs without.",
)


class KeyRing:
    """Looks callers up by their keys; remembers good keys for a moment, bad ones never."""

    def __init__(self, keys: KeyStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing remembered.

        Args:
            keys: Where keys are.
            clock: Seconds that only grow.
        """
        self._keys = keys
        self._clock = clock
        self._remembered: dict[bytes, tuple[Caller, float]] = {}

    async def caller(self, key: str) -> Caller:
        """Whose key this is, and what it allows.

        Raises:
            Unauthenticated: the key is unknown, was revoked or has ended.
            StoreUnavailable: nobody can say.
        """
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        known = self._remembered.get(digest)
        if known is not None and known[1] > self._clock():
            return known[0]
        asked_at = self._clock()
        caller = await self._keys.caller(key)
        if caller is None:
            self._remembered.pop(digest, None)
            raise Unauthenticated("this API key is not valid")
        if len(self._remembered) >= REMEMBERED_KEYS:
            self._remembered.clear()
        self._remembered[digest] = caller, asked_at + REMEMBERED_SECONDS
        return caller


def make_token_verifier(settings: Settings) -> TokenVerifier | None:
    """Who judges tokens; None where they let nobody in."""
    if not settings.takes_tokens or settings.jwt_audience is None:
        return None
    secret = settings.jwt_secret
    return TokenVerifier(
        SharedSecret(secret.get_secret_value()) if secret else KeySet(settings.jwt_jwks or ""),
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
        tenant_claim=settings.jwt_tenant_claim,
        leeway=timedelta(seconds=settings.jwt_leeway_seconds),
    )
