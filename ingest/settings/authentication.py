"""Settings of access: who is let in, and how they prove who they are."""

from collections.abc import Iterator
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from ingest.settings.providers import ProviderSettings, is_loopback

_LEAST_SECRET_BYTES = 32


class Auth(StrEnum):
    """How the gateway knows its callers."""

    KEYS = "keys"
    JWT = "jwt"
    BOTH = "both"
    OFF = "off"


class AccessSettings(ProviderSettings):
    """Who may call."""

    auth: Auth = Field(
        Auth.OFF,
        description="keys, jwt (tokens of a login service), both, or off: allowed only on a "
        "loopback host.",
    )
    jwt_secret: SecretStr | None = Field(
        None, description="Verifies tokens signed with HS256; at least 32 bytes."
    )
    jwt_jwks: str | None = Field(
        None,
        description="Public keys of the login service: an https:// URL (http:// on loopback) or a "
        "file; instead of jwt_secret.",
    )
    jwt_audience: str | None = Field(None, description="What a token's aud must hold; required.")
    jwt_issuer: str | None = Field(None, description="What a token's iss must be; empty: any.")
    jwt_tenant_claim: str = Field(
        "tenant", min_length=1, description="Claim with the tenant: a UUID, or a name."
    )
    jwt_leeway_seconds: float = Field(
        10.0, ge=0, le=60, description="How far the login service's clock may be off."
    )

    @property
    def takes_keys(self) -> bool:
        """Whether API keys let callers in."""
        return self.auth in (Auth.KEYS, Auth.BOTH)

    @property
    def takes_tokens(self) -> bool:
        """Whether tokens let callers in."""
        return self.auth in (Auth.JWT, Auth.BOTH)

    def access_faults(self) -> Iterator[str]:
        """What would let the wrong ones in, or nobody."""
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
