"""How callers are known."""

from enum import StrEnum


class Auth(StrEnum):
    """The credentials that the gateway accepts."""

    KEYS = "keys"
    JWT = "jwt"
    BOTH = "both"
    OFF = "off"
