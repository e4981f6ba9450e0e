"""How callers are known."""

from enum import StrEnum


class Auth(StrEnum):
    """How the gateway knows its callers."""

    KEYS = "keys"
    JWT = "jwt"
    BOTH = "both"
    OFF = "off"
