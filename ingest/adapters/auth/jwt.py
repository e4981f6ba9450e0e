"""Verifies JSON Web Tokens of an outside login service."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
import jwt
import structlog

from ingest.domain.errors import ProviderUnavailable, Unauthenticated
from ingest.domain.scopes import ALL_SCOPES, Caller, Scope
from ingest.domain.tenant import Tenant, is_id, is_name, tenant_called

log = structlog.get_logger(module=__name__)
MAX_TOKEN_CHARS = 8192
MAX_KEY_SET_BYTES = 1024 * 1024
FETCH_SECONDS = 5.0
"""Requests with tokens wait for the key set, so it must fail well before their own time-outs."""
REFRESH_SECONDS = 30.0
"""Shortest time between two reads of the key set, so that bad tokens cannot cause many reads."""
MAX_AGE_SECONDS = 600.0
"""Age after which the key set is read again, so that a removed key stops working."""
STALE_SECONDS = 3600.0
"""Longest use of a key set that cannot be read again, because its issuer does not answer."""
_PUBLIC_KEY_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
_TYPES = ("jwt", "at+jwt")
_REASONS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.ExpiredSignatureError, "it has expired"),
    (jwt.ImmatureSignatureError, "it is not valid yet"),
    (jwt.InvalidAudienceError, "it is for another audience"),
    (jwt.InvalidIssuerError, "it is from another issuer"),
    (jwt.MissingRequiredClaimError, "a claim is missing"),
    (jwt.InvalidSignatureError, "its signature is wrong"),
    (jwt.InvalidAlgorithmError, "its algorithm is not accepted"),
)


class VerifyingKeys(Protocol):
    """A source of the keys that verify tokens."""

    async def find(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        """Find the key for a token with this header.

        Raises:
            Unauthenticated: there is no such key.
            ProviderUnavailable: the keys cannot be read.
        """
        ...


class SharedSecret:
    """A secret that is shared with the issuer; only for HS256."""

    def __init__(self, secret: str) -> None:
        """Keep the secret, which has at least 32 bytes."""
        encoded = jwt.utils.base64url_encode(secret.encode()).decode()
        self._key = jwt.PyJWK({"kty": "oct", "k": encoded}, algorithm="HS256")

    async def find(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        """Return the secret for any header."""
        del header
        return self._key


class KeySet:
    """The public keys of the issuer (JWKS), from a URL or a file; cached for a limited time."""

    def __init__(self, location: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep the location; read nothing yet.

        Args:
            location: URL or path.
            clock: A monotonic clock in seconds.
        """
        self._location = location
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] | None = None
        self._looked_at = self._read_at = float("-inf")
        self._looking = asyncio.Lock()

    async def find(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        """Find the key that the ``kid`` of the header names; an unknown one causes a new read."""
        kid = header.get("kid")
        if not isinstance(kid, str) or not kid:
            raise Unauthenticated("the token is not valid: it names no key ('kid')")
        if self._age() > MAX_AGE_SECONDS or kid not in (self._keys or {}):
            await self._refresh(kid)
        if self._keys is None or self._age() > STALE_SECONDS:
            raise ProviderUnavailable("the keys of the token's issuer cannot be read")
        if kid not in self._keys:
            raise Unauthenticated("the token is not valid: its key is unknown")
        return self._keys[kid]

    def _age(self) -> float:
        return self._clock() - self._read_at

    async def _refresh(self, kid: str) -> None:
        # One read at a time. Whoever waited for the lock finds the keys of the read before, and
        # the checks below spare it another one.
        async with self._looking:
            if self._clock() - self._looked_at < REFRESH_SECONDS or (
                kid in (self._keys or {}) and self._age() <= MAX_AGE_SECONDS
            ):
                return
            # Set before the read, so that failing reads are rare as well.
            self._looked_at = self._clock()
            try:
                self._keys = _usable(await self._read())
                self._read_at = self._looked_at
            except (OSError, ValueError, httpx.HTTPError, jwt.PyJWTError) as exc:
                log.warning("key set not read", error=type(exc).__name__)

    async def _read(self) -> bytes:
        if "://" not in self._location:
            return await asyncio.to_thread(Path(self._location).read_bytes)
        async with (
            asyncio.timeout(FETCH_SECONDS),
            httpx.AsyncClient(timeout=FETCH_SECONDS) as client,
            client.stream("GET", self._location) as response,
        ):
            response.raise_for_status()
            content = b""
            async for part in response.aiter_bytes():
                content += part
                if len(content) > MAX_KEY_SET_BYTES:
                    raise ValueError("the key set is too large")
            return content


def _usable(content: bytes) -> dict[str, jwt.PyJWK]:
    """Select named public keys; a secret in a public key set is no secret, so it is skipped."""
    keys = jwt.PyJWKSet.from_json(content.decode()).keys
    return {
        key.key_id: key
        for key in keys
        if key.key_id
        and key.algorithm_name in _PUBLIC_KEY_ALGORITHMS
        and key.public_key_use in (None, "sig")
    }


class TokenVerifier:
    """Verifies tokens, and finds their callers."""

    def __init__(
        self,
        keys: VerifyingKeys,
        *,
        audience: str,
        issuer: str | None,
        tenant_claim: str,
        claims_ids: bool = False,
        longest_life: timedelta,
        leeway: timedelta,
    ) -> None:
        """Keep the conditions that a token must meet.

        Args:
            keys: The keys that verify signatures.
            audience: A value that ``aud`` must hold.
            issuer: The value of ``iss``; None accepts any.
            tenant_claim: Claim with the tenant.
            claims_ids: It holds the tenant's id; else its name. Never both: who may choose a name
                could choose the id of another tenant.
            longest_life: From a token's ``iat``, or from now where it has none, to its ``exp``.
            leeway: Accepted difference of the issuer's clock.
        """
        self._keys = keys
        self._audience = audience
        self._issuer = issuer
        self._tenant_claim = tenant_claim
        self._claims_ids = claims_ids
        self._longest_life = longest_life.total_seconds()
        self._leeway = leeway

    async def caller(self, token: str) -> Caller:
        """Verify a token; returns its caller with the scopes.

        Raises:
            Unauthenticated: the token is not valid; the message gives the reason.
            ProviderUnavailable: the issuer's keys cannot be read.
        """
        if len(token) > MAX_TOKEN_CHARS:
            raise Unauthenticated(f"the token has over {MAX_TOKEN_CHARS} characters, the limit")
        try:
            header = jwt.get_unverified_header(token)
            _ensure_type(header)
            key = await self._keys.find(header)
            claims = self._claims(token, header, key)
        except (jwt.PyJWTError, ValueError, RecursionError) as exc:
            reason = next(
                (text for cls, text in _REASONS if isinstance(exc, cls)),
                "it is not a JSON Web Token",
            )
            raise Unauthenticated(f"the token is not valid: {reason}") from exc
        self._ensure_short_life(claims)
        tenant = self._tenant(claims)
        return Caller(tenant.tenant_id, _scopes(claims), tenant.name)

    def _claims(self, token: str, header: Mapping[str, Any], key: jwt.PyJWK) -> dict[str, Any]:
        # The key fixes the algorithm, and a token with another one is refused: else an attacker
        # could choose a weaker algorithm.
        if header.get("alg") != key.algorithm_name:
            raise jwt.InvalidAlgorithmError
        required = ["exp", "aud"] + (["iss"] if self._issuer else [])
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=self._audience,
            issuer=self._issuer,
            leeway=self._leeway,
            options={"require": required},
        )

    def _ensure_short_life(self, claims: Mapping[str, Any]) -> None:
        life = float(claims["exp"]) - float(claims.get("iat", time.time()))
        if life > self._longest_life + self._leeway.total_seconds():
            raise Unauthenticated(
                "the token is not valid: it lives for too long; the login service must give it at "
                f"most {self._longest_life:g} seconds (INGEST_JWT_LONGEST_LIFE_SECONDS)"
            )

    def _tenant(self, claims: Mapping[str, Any]) -> Tenant:
        text = claims.get(self._tenant_claim)
        if not isinstance(text, str) or not is_name(text):
            raise Unauthenticated(f"the token names no tenant in {self._tenant_claim!r}")
        if is_id(text) and not self._claims_ids:
            raise Unauthenticated(
                f"the token has a UUID in {self._tenant_claim!r}, which holds names; for ids set "
                "INGEST_JWT_TENANT_CLAIM_IS=id"
            )
        tenant = tenant_called(text)
        if self._claims_ids and str(tenant.tenant_id) != text:
            raise Unauthenticated(
                f"the token has no tenant's id in {self._tenant_claim!r}: a UUID in lower case "
                "with hyphens"
            )
        if tenant.tenant_id.int == 0:  # this id stands for all tenants together
            raise Unauthenticated(f"the token names no tenant in {self._tenant_claim!r}")
        return tenant


def _ensure_type(header: Mapping[str, Any]) -> None:
    """Refuse tokens that were made for something else, such as a logout (RFC 8725, 3.11)."""
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES:
        raise Unauthenticated("the token is not valid: its type (typ) is not JWT or at+jwt")


def _scopes(claims: Mapping[str, Any]) -> frozenset[Scope]:
    """The known scopes in the claim ``scope``; unknown words are ignored."""
    given = claims.get("scope", "")
    words = given.split() if isinstance(given, str) else given
    return frozenset(scope for scope in ALL_SCOPES if isinstance(words, list) and scope in words)
