"""Settings of authentication: the accepted credentials, and how they are verified."""

from collections.abc import Iterator
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from ingest.settings.providers import ProviderSettings, is_loopback

_LEAST_SECRET_BYTES = 32
"""HS256 needs a key as long as its hash (RFC 7518, section 3.2)."""


class Auth(StrEnum):
    """The credentials that the gateway accepts."""

    KEYS = "keys"
    JWT = "jwt"
    BOTH = "both"
    OFF = "off"


class AccessSettings(ProviderSettings):
    """The settings of authentication."""

    auth: Auth = Field(
        Auth.OFF,
        description="keys, jwt (tokens of a login service), both, or off. off is allowed only on a "
        "loopback host.",
    )
    jwt_secret: SecretStr | None = Field(
        None, description="Secret that verifies tokens signed with HS256; at least 32 bytes."
    )
    jwt_jwks: str | None = Field(
        None,
        description="Public keys of the login service: an https:// URL (http:// on loopback) or a "
        "file; instead of jwt_secret.",
    )
    jwt_audience: str | None = Field(
        None, description="Value that the aud of a token must hold; required for tokens."
    )
    jwt_issuer: str | None = Field(
        None, description="Value that the iss of a token must have; empty: any."
    )
    jwt_tenant_claim: str = Field(
        "tenant",
        min_length=1,
        description="Claim of a token that holds the tenant: a UUID, or a name.",
    )
    jwt_leeway_seconds: float = Field(
        10.0, ge=0, le=60, description="Seconds by which the clock of the login service may differ."
    )

    @property
    def takes_keys(self) -> bool:
        """Whether API keys are accepted."""
        return self.auth in (Auth.KEYS, Auth.BOTH)

    @property
    def takes_tokens(self) -> bool:
        """Whether tokens are accepted."""
        return self.auth in (Auth.JWT, Auth.BOTH)

    def access_faults(self) -> Iterator[str]:
        """Find settings that would accept wrong callers, or no callers."""
        if not self.takes_tokens:
            return
        auth = f"INGEST_AUTH={self.auth}"
        if (self.jwt_secret is None) == (self.jwt_jwks is None):
            yield f"{auth} needs either INGEST_JWT_SECRET or INGEST_JWT_JWKS"
        if self.jwt_audience is None:
            yield f"{auth} needs INGEST_JWT_AUDIENCE"
        secret = self.jwt_secret.get_secret_value() if self.jwt_secret else None
        if secret is not None and len(secret.encode()) < _LEAST_SECRET_BYTES:
            yield f"INGEST_JWT_SECRET has under {_LEAST_SECRET_BYTES} bytes"
        url = urlsplit(self.jwt_jwks or "")
        if "://" in (self.jwt_jwks or "") and not (
            url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
        ):
            yield "INGEST_JWT_JWKS must be https://, or http:// on a loopback host, or a file"
