"""How callers are known."""

from enum import StrEnum

from pydantic import BaseModel, Field, SecretStr


class Auth(StrEnum):
    """The credentials that the gateway accepts."""

    KEYS = "keys"
    JWT = "jwt"
    BOTH = "both"
    OFF = "off"


class TenantClaim(StrEnum):
    """What the tenant claim of a token holds."""

    NAME = "name"
    ID = "id"


class AuthenticationSettings(BaseModel):
    """Credentials that the gateway accepts, and how tokens are verified."""

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
    jwt_issuer: str | None = Field(
        None,
        description="What a token's iss must be; required with jwt_jwks. With jwt_secret, empty "
        "is any.",
    )
    jwt_tenant_claim: str = Field("tenant", min_length=1, description="Claim with the tenant.")
    jwt_tenant_claim_is: TenantClaim = Field(
        TenantClaim.NAME,
        description="What that claim holds: name, which may not look like a UUID, or id: a UUID in "
        "lower case with hyphens.",
    )
    jwt_longest_life_seconds: float = Field(
        86_400.0,
        gt=0,
        description="Longest time from a token's iat, or from now where it has none, to its exp. "
        "A token cannot be revoked.",
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
